-- For trying out only: passwords that are public protect nothing.
ALTER ROLE bellhop_processor PASSWORD 'bellhop';
ALTER ROLE bellhop_sender PASSWORD 'bellhop';
ALTER ROLE bellhop_desk PASSWORD 'bellhop';
