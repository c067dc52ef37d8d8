-- A submission whose answer was lost is fenced. What the salvage gateway calls cancelled afterwards is our doing, also when
-- nobody could read what came of the fence.
ALTER TABLE attempts ADD COLUMN fence_asked_at {int};       -- when we first asked to fence a submission that nobody acknowledged
