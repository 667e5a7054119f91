DROP VIEW heard;
