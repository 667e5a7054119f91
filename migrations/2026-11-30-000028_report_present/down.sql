DROP TABLE report_present;
