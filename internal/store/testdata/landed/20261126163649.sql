UPDATE `campaigns` SET `recounts` = 5 WHERE `id` = 2;
