DROP TABLE raised_alerts;
