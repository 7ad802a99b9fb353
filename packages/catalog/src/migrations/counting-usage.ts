/** By the name of a row, what of it counts. */
type Counted = (row: string) => string

/** Of a job, what may still come of it: all of an atomic one until it ends, and what has not ended of another. */
export function coming(what: 'files' | 'bytes'): Counted {
  const done = {
    files: ['files_stored', 'files_failed', 'files_superseded', 'files_cancelled'],
    bytes: ['bytes_done'],
  }[what]
  return (row) => `CASE WHEN ${row}.kind <> 'upload' OR ${row}.ended_at IS NOT NULL THEN 0
    WHEN ${row}.atomic THEN ${row}.${what}_total
    ELSE ${row}.${what}_total - ${done.map((column) => `${row}.${column}`).join(' - ')} END`
}

/** Of a pack. */
export const kept: Counted = (row) => `CASE WHEN ${row}.dropped_at IS NULL THEN ${row}.bytes ELSE 0 END`

/** A statement of thousands of rows adds one. */
export const COUNT_ARTIFACTS = `
CREATE FUNCTION count_artifacts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN ${addArtifacts('SELECT 1 AS sign, tenant_id, size FROM new_rows')};
  ELSIF TG_OP = 'DELETE' THEN ${addArtifacts('SELECT -1 AS sign, tenant_id, size FROM old_rows')};
  ELSE ${addArtifacts(`SELECT 1 AS sign, tenant_id, size FROM new_rows
    UNION ALL SELECT -1 AS sign, tenant_id, size FROM old_rows`)};
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER count_inserted AFTER INSERT ON artifacts REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_artifacts();
CREATE TRIGGER count_updated AFTER UPDATE ON artifacts REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_artifacts();
CREATE TRIGGER count_deleted AFTER DELETE ON artifacts REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION count_artifacts();
${addArtifacts('SELECT 1 AS sign, tenant_id, size FROM artifacts')};
`

function addArtifacts(rows: string): string {
  return `INSERT INTO usage_changes (tenant_id, objects, bytes)
    SELECT tenant_id, objects, bytes FROM (
      SELECT tenant_id, sum(sign) AS objects, sum(sign * size) AS bytes FROM (${rows}) r GROUP BY tenant_id
    ) s WHERE objects <> 0 OR bytes <> 0`
}

/** Counts the metered rows of a table by triggers that no other row, and no change that changes nothing, comes to. */
export function metering(table: string, ended: string, counters: Readonly<Record<string, Counted>>): string {
  const names = Object.keys(counters).join(', ')
  const all = Object.values(counters)
  const change = all.map((of) => `coalesce(${of('NEW')}, 0) - coalesce(${of('OLD')}, 0)`).join(', ')
  const some = (row: string) => `${row}.metered AND (${all.map((of) => `${of(row)} <> 0`).join(' OR ')})`
  const other = all.map((of) => `${of('NEW')} <> ${of('OLD')}`).join(' OR ')
  return `
    ALTER TABLE ${table} ADD COLUMN metered boolean NOT NULL DEFAULT false;
    CREATE INDEX ${table}_unmetered ON ${table} (tenant_id) WHERE NOT metered AND ${ended} IS NULL;
    CREATE FUNCTION count_${table}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    BEGIN
      INSERT INTO usage_changes (tenant_id, ${names}) VALUES (coalesce(NEW.tenant_id, OLD.tenant_id), ${change});
      RETURN NULL;
    END $$;
    CREATE TRIGGER count_inserted AFTER INSERT ON ${table} FOR EACH ROW WHEN (${some('NEW')}) EXECUTE FUNCTION count_${table}();
    CREATE TRIGGER count_updated AFTER UPDATE ON ${table} FOR EACH ROW WHEN (NEW.metered AND (${other}))
      EXECUTE FUNCTION count_${table}();
    CREATE TRIGGER count_deleted AFTER DELETE ON ${table} FOR EACH ROW WHEN (${some('OLD')}) EXECUTE FUNCTION count_${table}();
  `
}

/**
 * One snapshot of all that counts. Statements of a tenant learn of their own usage alone. Of resumable uploads what came counts
 * until they are packs; that their table is of a later migration matters not until this is called.
 */
export const USAGE_OF = `
CREATE FUNCTION usage_of(tenant text, OUT objects bigint, OUT bytes bigint, OUT coming_objects bigint,
  OUT coming_bytes bigint, OUT spooled_bytes bigint, OUT changes bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$ BEGIN
  SELECT coalesce(sum(u.objects), 0), coalesce(sum(u.bytes), 0), coalesce(sum(u.coming_objects), 0),
    coalesce(sum(u.coming_bytes), 0), coalesce(sum(u.spooled_bytes), 0), coalesce(sum(u.changes), 0)
  INTO objects, bytes, coming_objects, coming_bytes, spooled_bytes, changes
  FROM (
    SELECT t.objects, t.bytes, t.coming_objects, t.coming_bytes, t.spooled_bytes, 0 AS changes
    FROM tenant_usage t WHERE t.tenant_id = tenant
    UNION ALL SELECT c.objects, c.bytes, c.coming_objects, c.coming_bytes, c.spooled_bytes, 1
    FROM usage_changes c WHERE c.tenant_id = tenant
    UNION ALL SELECT 0, 0, ${coming('files')('j')}, ${coming('bytes')('j')}, 0, 0
    FROM jobs j WHERE j.tenant_id = tenant AND NOT j.metered AND j.ended_at IS NULL
    UNION ALL SELECT 0, 0, 0, 0, p.bytes, 0
    FROM packs p WHERE p.tenant_id = tenant AND NOT p.metered AND p.dropped_at IS NULL
    UNION ALL SELECT 0, 0, 0, 0, r.received, 0
    FROM resumable_uploads r WHERE r.tenant_id = tenant AND r.accepted_job_id IS NULL
  ) u WHERE coalesce(nullif(current_setting('lading.tenant', true), ''), tenant) = tenant;
END $$`
