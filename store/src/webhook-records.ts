/** A secret by which deliveries to a job are signed. */
export interface WebhookSecret {
  readonly id: string
  /** As it was shown once: whoever signs has the same text. */
  readonly secret: string
  readonly createdAt: number
}

/** The address under which other systems start runs of a job. */
export interface WebhookRecord {
  /** `<namespace>/<job>`. */
  readonly id: string
  readonly namespace: string
  readonly job: string
  /** The newest first; two while one replaces the other. */
  readonly secrets: readonly WebhookSecret[]
  /** Who changed it last. */
  readonly by: string | null
  readonly revision: number
  readonly createdAt: number
  readonly updatedAt: number
}
