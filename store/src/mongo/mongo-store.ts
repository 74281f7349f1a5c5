import { CarillonError } from '@carillon/contracts'
import type { Store } from '../ports.ts'
import { MongoAccountStore } from './account-store.ts'
import { MongoAlertChannelStore, MongoAlertRuleStore, MongoDeliveryStore, MongoIncidentStore } from './alert-stores.ts'
import { MongoAuditStore } from './audit-store.ts'
import { newWriter } from './bulk.ts'
import { MongoCalendarStore } from './calendar-store.ts'
import { MongoChangeStore } from './change-store.ts'
import { MongoCoordinatorStore } from './coordinator-store.ts'
import { MongoDatabase, type MongoOptions } from './database.ts'
import { MongoDeadLetterStore } from './dead-letter-store.ts'
import { MongoGateStore } from './gate-store.ts'
import { MongoJobStore } from './job-store.ts'
import { MongoLogStore } from './log-store.ts'
import { appliedTo, migrate } from './migrate.ts'
import { MongoRetentionStore } from './retention-store.ts'
import { MongoRunStore } from './run-store.ts'
import { MongoSignalStore } from './signal-store.ts'
import { MongoStatsStore } from './stats-store.ts'
import { MongoStepStore } from './step-store.ts'
import { MongoTaskStore } from './task-store.ts'
import { MongoWebhookStore } from './webhook-store.ts'

/** Opens a database of MongoDB, or of an engine that speaks its protocol. */
export async function openMongoStore(options: MongoOptions): Promise<Store> {
  const database = new MongoDatabase(options)
  let id: string
  try {
    await database.connect()
    if (options.readOnly) await appliedTo(database)
    else await migrate(database)
    id = await identityOf(database)
  } catch (error) {
    await database.close()
    throw error
  }
  return {
    kind: 'mongodb',
    id,
    jobs: new MongoJobStore(database),
    calendars: new MongoCalendarStore(database),
    changes: new MongoChangeStore(database),
    gates: new MongoGateStore(database),
    runs: new MongoRunStore(database),
    tasks: new MongoTaskStore(database),
    steps: new MongoStepStore(database),
    signals: new MongoSignalStore(database),
    logs: new MongoLogStore(database),
    deadLetters: new MongoDeadLetterStore(database),
    alertRules: new MongoAlertRuleStore(database),
    alertChannels: new MongoAlertChannelStore(database),
    incidents: new MongoIncidentStore(database),
    deliveries: new MongoDeliveryStore(database),
    webhooks: new MongoWebhookStore(database),
    retention: new MongoRetentionStore(database),
    stats: new MongoStatsStore(database),
    coordinators: new MongoCoordinatorStore(database),
    accounts: new MongoAccountStore(database),
    audit: new MongoAuditStore(database),
    check: () => check(database),
    time: () => database.time(),
    describe: () => `mongodb ${database.place}`,
    close: () => database.close(),
  }
}

async function identityOf(database: MongoDatabase): Promise<string> {
  const found = await database.read(() => database.collection('identity').findOne({ _id: 'store' }))
  if (found === null)
    throw new CarillonError(
      'STORE_UNAVAILABLE',
      `${database.place} holds no store, or one of an earlier version that no coordinator has opened since`,
    )
  return found['id'] as string
}

async function check(database: MongoDatabase): Promise<void> {
  const checks = database.collection('checks')
  await database.write(() => checks.replaceOne({ _id: 'store' }, { writers: [newWriter()] }, { upsert: true }))
  const found = await database.read(() => checks.findOne({ _id: 'store' }))
  if (found === null) throw new CarillonError('STORE_UNAVAILABLE', `${database.place}: a record that was just written is not there`)
}
