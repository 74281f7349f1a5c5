import type { IndexDescription } from 'mongodb'

/** Secrets by which other systems start runs of a job. They are read by their id alone. */
export const webhooks: Readonly<Record<string, readonly IndexDescription[]>> = { webhooks: [] }
