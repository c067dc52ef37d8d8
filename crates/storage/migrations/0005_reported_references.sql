-- Reports that name nothing but the gateway's own id. Only attempts that salvage a decline are reported about, so an
-- ordinary sale writes nothing here.
CREATE INDEX attempts_salvaging_by_gateway_reference ON attempts (merchant_id, gateway_id, gateway_reference)
    WHERE salvages IS NOT NULL AND gateway_reference IS NOT NULL;
