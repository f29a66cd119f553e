ALTER TABLE issuer_key ADD COLUMN expires_at {int};
CREATE INDEX issuer_key_expires_at ON issuer_key (expires_at);
