-- What was said in a call, in order: the caller's recognized sentences, the texts that were spoken
-- (pieces of one streamed text joined), and lines that the application added.
CREATE VIEW transcript AS
SELECT record_id, sequence, at, 'caller' AS speaker, json_extract(data, '$.text') AS text
FROM call_events WHERE name = 'asrFinal' AND direction = 'sent'
UNION ALL
SELECT record_id, sequence, at, 'agent', text FROM (
  SELECT record_id, sequence, at,
    group_concat(json_extract(data, '$.text'), '') OVER (
      PARTITION BY record_id, coalesce(json_extract(data, '$.playId'), sequence) ORDER BY sequence
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS text,
    row_number() OVER (
      PARTITION BY record_id, coalesce(json_extract(data, '$.playId'), sequence) ORDER BY sequence
    ) AS piece
  FROM call_events WHERE name = 'tts' AND direction = 'received'
) WHERE piece = 1
UNION ALL
SELECT record_id, sequence, at, json_extract(data, '$.speaker'), json_extract(data, '$.text')
FROM call_events WHERE name = 'addHistory' AND direction = 'sent';
--> statement-breakpoint
-- How long the caller waited for a reply: from the end of the caller's speech to the next playback.
CREATE VIEW reply_latency AS
SELECT reply.record_id, reply.sequence, reply.at,
  json_extract(silence.data, '$.startTime') AS speech_ended_at,
  reply.at - json_extract(silence.data, '$.startTime') AS latency_ms
FROM call_events AS reply
JOIN call_events AS silence
  ON silence.record_id = reply.record_id
  AND silence.sequence = (
    SELECT max(sequence) FROM call_events AS other
    WHERE other.record_id = reply.record_id AND other.sequence < reply.sequence
      AND other.direction = 'sent' AND other.name = 'silence'
  )
WHERE reply.name = 'trackStart' AND reply.direction = 'sent'
  AND json_extract(reply.data, '$.trackId') = 'server-side-track'
  AND NOT EXISTS (
    SELECT 1 FROM call_events AS earlier
    WHERE earlier.record_id = reply.record_id AND earlier.name = 'trackStart'
      AND earlier.sequence > silence.sequence AND earlier.sequence < reply.sequence
  );
--> statement-breakpoint
-- Playbacks that were cut short, and what of their text was heard.
CREATE VIEW interruptions AS
SELECT record_id, sequence, at, json_extract(data, '$.playId') AS play_id,
  json_extract(data, '$.position') AS position_ms, json_extract(data, '$.text') AS heard,
  json_extract(data, '$.remaining') AS not_heard
FROM call_events WHERE name = 'interruption' AND direction = 'sent';
--> statement-breakpoint
-- Keys that callers pressed.
CREATE VIEW dtmf AS
SELECT record_id, sequence, at, json_extract(data, '$.digit') AS digit
FROM call_events WHERE name = 'dtmf' AND direction = 'sent';
--> statement-breakpoint
-- What failed, and in which call.
CREATE VIEW errors AS
SELECT record_id, sequence, at, json_extract(data, '$.sender') AS sender,
  json_extract(data, '$.code') AS code, json_extract(data, '$.error') AS error
FROM call_events WHERE name = 'error' AND direction = 'sent';
--> statement-breakpoint
-- Calls per hour and how they ended.
CREATE VIEW calls_per_hour AS
SELECT strftime('%Y-%m-%d %H:00', started_at / 1000, 'unixepoch') AS hour, type,
  coalesce(reason, state) AS ended_by, count(*) AS calls,
  round(avg(ended_at - started_at) / 1000.0, 1) AS average_seconds
FROM calls GROUP BY hour, type, ended_by;
