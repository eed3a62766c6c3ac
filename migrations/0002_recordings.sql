ALTER TABLE `calls` ADD `recording` text;--> statement-breakpoint
ALTER TABLE `calls` ADD `recording_peaks` text;