import { CarillonError } from '@carillon/contracts'
import type { Store } from '../ports.ts'
import { SqliteAccountStore } from './account-store.ts'
import { SqliteAlertChannelStore, SqliteAlertRuleStore, SqliteDeliveryStore, SqliteIncidentStore } from './alert-stores.ts'
import { SqliteAuditStore } from './audit-store.ts'
import { SqliteCalendarStore } from './calendar-store.ts'
import { SqliteChangeStore } from './change-store.ts'
import { Connection, type SqliteOptions } from './connection.ts'
import { SqliteCoordinatorStore } from './coordinator-store.ts'
import { SqliteDeadLetterStore } from './dead-letter-store.ts'
import { SqliteGateStore } from './gate-store.ts'
import { SqliteJobStore } from './job-store.ts'
import { SqliteLogStore } from './log-store.ts'
import { migrate } from './migrate.ts'
import { SqliteRetentionStore } from './retention-store.ts'
import { SqliteRunStore } from './run-store.ts'
import { SqliteSignalStore } from './signal-store.ts'
import { SqliteStatsStore } from './stats-store.ts'
import { SqliteStepStore } from './step-store.ts'
import { SqliteTaskStore } from './task-store.ts'
import { SqliteWebhookStore } from './webhook-store.ts'

const CHECK = `insert into "checks" ("id", "count") values ('store', 1) on conflict do update set "count" = "count" + 1`

/** Opens a database file of one machine. Everything happens inside the call; the promises of the port are settled at once. */
export function openSqliteStore(options: SqliteOptions): Store {
  const connection = new Connection(options)
  try {
    if (!options.readOnly) migrate(connection)
    return {
      kind: 'sqlite',
      id: connection.all('select "id" from "identity"', [])[0]?.['id'] as string,
      jobs: new SqliteJobStore(connection),
      calendars: new SqliteCalendarStore(connection),
      changes: new SqliteChangeStore(connection),
      gates: new SqliteGateStore(connection),
      runs: new SqliteRunStore(connection),
      tasks: new SqliteTaskStore(connection),
      steps: new SqliteStepStore(connection),
      signals: new SqliteSignalStore(connection),
      logs: new SqliteLogStore(connection),
      deadLetters: new SqliteDeadLetterStore(connection),
      alertRules: new SqliteAlertRuleStore(connection),
      alertChannels: new SqliteAlertChannelStore(connection),
      incidents: new SqliteIncidentStore(connection),
      deliveries: new SqliteDeliveryStore(connection),
      webhooks: new SqliteWebhookStore(connection),
      retention: new SqliteRetentionStore(connection),
      stats: new SqliteStatsStore(connection),
      coordinators: new SqliteCoordinatorStore(connection),
      accounts: new SqliteAccountStore(connection),
      audit: new SqliteAuditStore(connection),
      check: async () => check(connection),
      time: async () => undefined,
      describe: () => `sqlite ${options.path}`,
      close: async () => connection.close(),
    }
  } catch (error) {
    connection.close()
    // Only a store that may not be migrated lacks a table.
    throw options.readOnly
      ? new CarillonError(
          'STORE_UNAVAILABLE',
          `${options.path} holds no store, or one of an earlier version that no coordinator has opened since`,
          { cause: error },
        )
      : error
  }
}

function check(connection: Connection): void {
  connection.addition(() => connection.run(CHECK, []))
  if (connection.all(`select "count" from "checks" where "id" = 'store'`, []).length === 1) return
  throw new CarillonError('STORE_UNAVAILABLE', `${connection.path}: a record that was just written is not there`)
}
