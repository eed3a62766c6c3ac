CREATE TABLE `call_events` (
	`record_id` text NOT NULL,
	`sequence` integer NOT NULL,
	`at` integer NOT NULL,
	`direction` text NOT NULL,
	`name` text NOT NULL,
	`data` text NOT NULL,
	PRIMARY KEY(`record_id`, `sequence`)
);
--> statement-breakpoint
CREATE INDEX `call_events_by_name` ON `call_events` (`name`,`at`);--> statement-breakpoint
CREATE TABLE `calls` (
	`record_id` text PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`type` text NOT NULL,
	`direction` text NOT NULL,
	`state` text NOT NULL,
	`caller` text,
	`callee` text,
	`codec` text,
	`has_events` integer NOT NULL,
	`option` text,
	`started_at` integer NOT NULL,
	`answered_at` integer,
	`ended_at` integer,
	`reason` text,
	`initiator` text,
	`fault` text,
	`stats` text
);
--> statement-breakpoint
CREATE INDEX `calls_by_id` ON `calls` (`id`,`started_at`);--> statement-breakpoint
CREATE INDEX `calls_by_time` ON `calls` (`started_at`,`record_id`);--> statement-breakpoint
CREATE INDEX `calls_by_type` ON `calls` (`type`,`started_at`,`record_id`);--> statement-breakpoint
CREATE INDEX `calls_by_state` ON `calls` (`state`,`started_at`,`record_id`);--> statement-breakpoint
CREATE INDEX `calls_by_caller` ON `calls` (`caller`,`started_at`,`record_id`);--> statement-breakpoint
CREATE INDEX `calls_by_callee` ON `calls` (`callee`,`started_at`,`record_id`);--> statement-breakpoint
CREATE INDEX `calls_by_reason` ON `calls` (`reason`,`started_at`,`record_id`);