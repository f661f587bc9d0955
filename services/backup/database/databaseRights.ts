import pg from "pg";
import { withClient } from "./connection";

const { escapeIdentifier, escapeLiteral } = pg;

/** Owners and grantees of what is in a database; 0 stands for everybody. */
const rolesInUse = `
  SELECT DISTINCT pg_get_userbyid(id) AS name FROM (
    SELECT refobjid AS id FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND refclassid = 'pg_authid'::regclass
    UNION SELECT datdba FROM pg_database WHERE datname = current_database()
  ) AS used WHERE id <> 0 ORDER BY 1`;

/** Roles that a database needs and another server does not have. */
export async function missingRoles({ from, to, database }: { readonly from: string; readonly to: string; readonly database: string }): Promise<string[]> {
  const needed = await withClient({ sockets: from, database }, async (client) => (await client.query<{ name: string }>(rolesInUse)).rows.map(({ name }) => name));
  return withClient({ sockets: to, database: "postgres" }, async (client) => {
    const { rows } = await client.query<{ name: string }>("SELECT rolname AS name FROM pg_roles");
    const there = new Set(rows.map(({ name }) => name));
    return needed.filter((name) => !there.has(name));
  });
}

/** Gives a database the rights and settings of another as a whole: a dump of one database does not hold them. */
export async function copyDatabaseRights(sockets: string, { from, to }: { readonly from: string; readonly to: string }): Promise<void> {
  await withClient({ sockets, database: "postgres" }, async (client) => {
    const rights = await client.query<{ grantee: string | null; privilege: string; grantable: boolean }>(
      `SELECT CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END AS grantee, a.privilege_type AS privilege, a.is_grantable AS grantable
         FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE d.datname = $1`,
      [from],
    );
    const settings = await client.query<{ role: string | null; setting: string }>(
      `SELECT CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole) END AS role, unnest(s.setconfig) AS setting
         FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = $1`,
      [from],
    );
    const target = escapeIdentifier(to);
    for (const { grantee, privilege, grantable } of rights.rows) {
      await client.query(`GRANT ${privilege} ON DATABASE ${target} TO ${grantee === null ? "PUBLIC" : escapeIdentifier(grantee)}${grantable ? " WITH GRANT OPTION" : ""}`);
    }
    for (const { role, setting } of settings.rows) {
      const [name, ...value] = setting.split("=");
      // Of TimescaleDB's own settings the one of a restore must not outlast it.
      if (name === "timescaledb.restoring") continue;
      const whose = role === null ? `DATABASE ${target}` : `ROLE ${escapeIdentifier(role)} IN DATABASE ${target}`;
      await client.query(`ALTER ${whose} SET ${name!.split(".").map(escapeIdentifier).join(".")} = ${escapeLiteral(value.join("="))}`);
    }
  });
}
