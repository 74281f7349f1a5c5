import type { JobView } from '@carillon/contracts'

/** A job as it is put: what is edited. It may be incomplete, and keeps what this console does not know. */
export type JobDraft = Readonly<Record<string, unknown>> & { readonly name: string }

/** What a service says of a job, and nobody writes. */
const SAID = [
  'state',
  'revision',
  'by',
  'version',
  'edited',
  'note',
  'stats',
  'data',
  'nextAt',
  'warnings',
  'createdAt',
  'updatedAt',
] as const

/** A stored job as `jobs.put` takes it: without what services say of it, and what follows from other fields. */
export function draftOf(job: JobView): JobDraft {
  const { mode, handler, shards, ...rest } = job
  const draft = Object.fromEntries(Object.entries(rest).filter(([name]) => !(SAID as readonly string[]).includes(name)))
  return {
    ...draft,
    name: job.name,
    ...(job.workflow !== undefined && handler === job.name ? {} : { handler }),
    ...(mode === 'workflow' || mode === 'shards' ? {} : { mode }),
    ...(shards === undefined || job.items !== undefined ? {} : { shards }),
  }
}

/** The same draft with another value of a field; undefined: without it. */
export function withDraftField(draft: JobDraft, field: string, value: unknown): JobDraft {
  const { [field]: _, ...rest } = draft
  return (value === undefined ? rest : { ...draft, [field]: value }) as JobDraft
}

/** The version of a job as an `If-Match` names it: a change that someone else made in between is refused. */
export const entityTag = (revision: number): string => `"v${revision}"`
