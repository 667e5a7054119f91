DROP TABLE template_categories;
ALTER TABLE messages DROP COLUMN pricing_category, DROP COLUMN pricing_type, DROP COLUMN billable;
DELETE FROM holds WHERE reason = 'became_marketing';
