-- A capture, void or refund that was refused or got lost is sent again: how long the gateway has had to show it counts from
-- its last request.
ALTER TABLE operations ADD COLUMN sent_at {int};            -- when its request was last about to leave; none: never but at first
