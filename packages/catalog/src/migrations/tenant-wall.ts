/** The role that statements of one tenant run as. It owns nothing, may not log in, and reaches only what it is granted. */
export const TENANT_ROLE = 'lading_tenant'

/** Whose statements these are, until their transaction ends. Null or empty: nobody's, so that no row is theirs. */
export const TENANT_SETTING = 'lading.tenant'

const TENANT = `current_setting('${TENANT_SETTING}', true)`

/** The table that the rows of another belong to, by the columns that both have. */
export interface Parent {
  readonly table: string
  readonly by: readonly [string, ...string[]]
}

/**
 * `texteq` is what `=` calls. Written with `=`, the planner would take the tenant for a condition that leaves few of the
 * rows that the statement's own conditions find, which it is not, and would sort them rather than walk an index in order.
 */
const IS_OF_TENANT = `texteq(tenant_id, ${TENANT})`

/**
 * Lets the tenant's role at those rows of the table that are labelled with its tenant, and lets it add rows to nothing but
 * its own. The table's owner, as which workers run, is not held back.
 */
export function tenantWall(table: string, parent?: Parent): string {
  return `
    ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON ${table} TO ${TENANT_ROLE} USING (${IS_OF_TENANT});
    ${parent === undefined ? '' : parentPolicy(table, parent)}
    GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO ${TENANT_ROLE};
  `
}

/**
 * A label is worth what it is labelled on: without this, a row of one tenant could be hung on a job of another. A subquery
 * of one value, unlike EXISTS, is never planned as a scan of all that the tenant has.
 */
function parentPolicy(table: string, parent: Parent): string {
  return `CREATE POLICY parent ON ${table} AS RESTRICTIVE FOR INSERT TO ${TENANT_ROLE}
    WITH CHECK ((SELECT p.tenant_id FROM ${parent.table} p WHERE ${same('p', table, parent)}) = ${TENANT});`
}

/**
 * Labels a table whose rows say by their parent alone whose they are: looking that up for each row and statement took a
 * fifth of an acceptance. Statements of a tenant label by the column's default; those of workers, which have none, by a
 * trigger, which does not fire for the others.
 */
export function tenantLabel(table: string, parent: Parent): string {
  return `
    ALTER TABLE ${table} ADD COLUMN tenant_id text;
    ALTER TABLE ${table} ALTER COLUMN tenant_id SET DEFAULT nullif(${TENANT}, '');
    CREATE FUNCTION label_${table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      NEW.tenant_id := (SELECT p.tenant_id FROM ${parent.table} p WHERE ${same('p', 'NEW', parent)});
      RETURN NEW;
    END $$;
    CREATE TRIGGER label BEFORE INSERT ON ${table} FOR EACH ROW WHEN (NEW.tenant_id IS NULL)
      EXECUTE FUNCTION label_${table}();
  `
}

/** Labels up to so many rows that have none; says whether there may be more. */
export function labelSome(table: string, parent: Parent, rows: number): string {
  return `UPDATE ${table} t SET tenant_id = p.tenant_id FROM ${parent.table} p
    WHERE ${same('p', 't', parent)} AND t.ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE tenant_id IS NULL LIMIT ${rows}))`
}

function same(a: string, b: string, { by }: Parent): string {
  return by.map((column) => `${a}.${column} = ${b}.${column}`).join(' AND ')
}
