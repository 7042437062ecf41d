UPDATE `campaigns` SET `approved_digest` = 'digest 2' WHERE `id` = 2;
