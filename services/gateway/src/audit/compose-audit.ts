import { STREAMS } from '@carillon/contracts'
import { BatchConsumer, type Broker, type Clock, type Logger, type RejectedMessages, readIncoming, type Service } from '@carillon/runtime'
import type { AuditStore } from '@carillon/store'
import type { HttpController } from '../http/http-controller.ts'
import type { EventConsumer } from '../mesh/event-consumers.ts'
import { auditController } from './audit.controller.ts'
import { KeepChanges } from './keep-changes.ts'
import { RemoveOld } from './remove-old.ts'

/** Settings of the audit log. */
export interface AuditSettings {
  /** Records older than this go. */
  readonly retentionMs: number
}

interface AuditOptions extends AuditSettings {
  readonly audit: AuditStore
  readonly broker: Broker
  readonly rejected: RejectedMessages
  readonly clock: Clock
  readonly log: Logger
}

const BATCHES = { maxMessages: 50, maxInFlight: 1 }
export const AUDIT_CONSUMER: EventConsumer = { name: 'audit', events: ['event.audit.>'], maxPending: 200 }

/** The audit log: what services publish about changes, kept and shown. */
export function composeAudit(options: AuditOptions): { readonly controller: HttpController; readonly loops: readonly Service[] } {
  const { audit, broker, clock, log, rejected } = options
  const keepChanges = new KeepChanges(options)
  const consumer = new BatchConsumer({
    ...{ connection: broker.connection, stream: STREAMS.EVENTS.name, consumer: AUDIT_CONSUMER.name, log, clock, rejected, ...BATCHES },
    read: readIncoming,
    handle: (batch) => keepChanges.execute(batch),
  })
  return { controller: auditController(audit), loops: [consumer, new RemoveOld(options)] }
}
