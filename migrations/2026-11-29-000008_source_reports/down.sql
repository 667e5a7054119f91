DROP TABLE source_reports;
