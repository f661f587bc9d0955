import pg from "pg";
import { scramVerifier } from "./scram";
import type { RoleWithPassword } from "./settings";

const { escapeIdentifier, escapeLiteral } = pg;

/** Roles the migrations grant rights to; they exist, without a login, even where a stack has no such service. */
const grantedRoles = ["trading_owner", "trading_bot", "livefeed", "broker", "performance", "guard", "gui", "mlflow"];

/** No role can use up the server's 100 connections alone. */
const connectionLimits: Record<RoleWithPassword["kind"], number> = { bot: 8, livefeed: 10, broker: 20, performance: 8, guard: 6, gui: 10, mlflow: 20 };

const modestRole = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS";

async function ensureRole(client: pg.Client, name: string): Promise<void> {
  const found = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [name]);
  if (found.rowCount === 0) await client.query(`CREATE ROLE ${escapeIdentifier(name)} NOLOGIN ${modestRole}`);
}

/**
 * Takes the advisory locks from everybody but the owner of the schema, in the database of this client: they are free for
 * all by default, and a bot could hold another one's lock. Bots take theirs by `trading.take_bot_lock()`.
 */
export async function closeAdvisoryLocks(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ signature: string }>(
    "SELECT oid::regprocedure::text AS signature FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname LIKE 'pg\\_%advisory%'",
  );
  for (const { signature } of rows) {
    await client.query(`REVOKE ALL ON FUNCTION pg_catalog.${signature} FROM PUBLIC`);
    await client.query(`GRANT EXECUTE ON FUNCTION pg_catalog.${signature} TO trading_owner`);
  }
}

/**
 * Makes the roles, sets their passwords as the secrets say and takes the login from bots that are no longer declared.
 * @returns names of the bot roles that lost their login
 */
export async function applyRoles(client: pg.Client, roles: RoleWithPassword[]): Promise<string[]> {
  for (const name of [...grantedRoles, ...roles.map((role) => role.name)]) await ensureRole(client, name);
  for (const role of roles) {
    const name = escapeIdentifier(role.name);
    let verifier: string;
    try {
      verifier = scramVerifier(role.password);
    } catch (error) {
      throw new Error(`the secret file ${role.name}-password: ${(error as Error).message}`);
    }
    await client.query(`ALTER ROLE ${name} LOGIN ${modestRole} CONNECTION LIMIT ${connectionLimits[role.kind]} PASSWORD ${escapeLiteral(verifier)}`);
    if (role.kind === "bot") await client.query(`GRANT trading_bot TO ${name}`);
  }
  const logins = await client.query<{ name: string }>(
    "SELECT rolname AS name FROM pg_roles WHERE rolcanlogin AND (rolname = ANY ($1) OR rolname LIKE 'bot\\_%') ORDER BY 1",
    [grantedRoles],
  );
  const declared = new Set(roles.map((role) => role.name));
  const retired = logins.rows.map((row) => row.name).filter((name) => !declared.has(name));
  for (const name of retired) await client.query(`ALTER ROLE ${escapeIdentifier(name)} NOLOGIN PASSWORD NULL`);
  return retired;
}
