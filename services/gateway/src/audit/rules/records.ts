import type { AuditEntry } from '@carillon/contracts'
import type { AuditRecord } from '@carillon/store'

/** An entry that a service has published, as it is kept. */
export function recordOf(namespace: string, entry: AuditEntry): AuditRecord {
  const { input, changes } = entry
  return {
    id: entry.id,
    namespace,
    at: Date.parse(entry.at),
    action: entry.action,
    actorId: entry.account ?? null,
    actor: entry.by ?? 'unnamed',
    via: entry.via,
    address: entry.address ?? null,
    resource: entry.resource ?? null,
    requestId: entry.requestId ?? null,
    outcome: entry.outcome,
    details: { input, ...(changes === undefined ? {} : { changes }) },
  }
}

/** A record as the audit log shows it; what there is not is absent. */
export function recordView({ at, details, ...record }: AuditRecord): Record<string, unknown> {
  const fields = Object.entries(record).filter(([, value]) => value !== null)
  return { ...Object.fromEntries(fields), at: new Date(at).toISOString(), ...details }
}
