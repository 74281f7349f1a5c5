import type {
  AlertChannel,
  AlertRule,
  AlertScene,
  ChannelTarget,
  IncidentExample,
  IncidentPhrase,
  IncidentView,
  Transition,
} from '@carillon/contracts'

/** What every record of alerts has. */
interface Revised {
  readonly id: string
  readonly namespace: string
  /** Grows with each write: the fence. */
  readonly revision: number
}

export interface AlertRuleRecord extends Revised {
  /** `<namespace>/<name>`. */
  readonly id: string
  readonly name: string
  readonly rule: Readonly<Omit<AlertRule, 'name'>>
  /** Who changed it last, as that party names itself. */
  readonly by: string | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly share: number
  /** When it is next compared with what there is; null: what it is about comes as events, or it is not enabled. */
  readonly wakeAt: number | null
}

export interface AlertChannelRecord extends Revised {
  /** `<namespace>/<name>`. */
  readonly id: string
  readonly name: string
  readonly channel: Pick<AlertChannel, 'enabled' | 'language' | 'description'>
  /** Without its secrets. */
  readonly target: Partial<ChannelTarget> & Pick<ChannelTarget, 'kind'>
  /** JSON text of its secrets; null: it has none. */
  readonly secrets: string | null
  readonly state: ChannelState
  readonly by: string | null
  readonly createdAt: number
  readonly updatedAt: number
}

/** What happened to a channel. */
export interface ChannelState {
  /** When messages were sent, as far as its limit of rate asks for it. */
  readonly sentAt: readonly number[]
  readonly last?: { readonly at: number; readonly delivered: boolean; readonly answer: string }
  /** Messages in a row that it did not take, and until when nothing is tried for that reason. */
  readonly failures?: number
  readonly pausedUntil?: number
  /** Until when its receiver wants nothing. */
  readonly mutedUntil?: number
  /** Its receiver is gone for good. */
  readonly disabled?: { readonly at: number; readonly why: string }
}

/** What was counted: its identity, so that nothing is counted twice, and when it happened. */
export interface Occurrence {
  readonly id: string
  readonly at: number
}

export interface IncidentRecord extends Revised {
  /** Of rule and cause, a dash and the number of the incident: those of one cause lie together, in order. */
  readonly id: string
  /** The name. */
  readonly rule: string
  readonly scene: AlertScene
  readonly cause: IncidentView['cause']
  /** 0: what happened is counted, and is no incident so far. */
  readonly isShown: number
  /** 1: not over. At most one of a rule and a cause is. */
  readonly isCurrent: number
  readonly count: number
  /** What was counted last. */
  readonly counted: readonly Occurrence[]
  readonly examples: readonly IncidentExample[]
  /** While it is counted, and while it lasts: when it began. */
  readonly openedAt: number
  readonly lastAt: number
  /** Since when nothing of it is seen any more; null: it is. */
  readonly goneAt: number | null
  readonly recoveredAt: number | null
  readonly recovery: IncidentPhrase | null
  readonly acknowledged: { readonly at: number; readonly by: string; readonly note?: string } | null
  readonly snoozedUntil: number | null
  /** How often it was announced again, and when it was last announced; null: it was not. */
  readonly reminders: number
  readonly announcedAt: number | null
  /** What is to be announced, and has no deliveries so far. */
  readonly owed: readonly Transition[]
  readonly share: number
  readonly wakeAt: number | null
}

export interface DeliveryRecord extends Revised {
  /** `<incident>.<transition>.<channel>`, of a reminder with its number: each is sent once in the normal case. */
  readonly id: string
  readonly incident: string
  /** The id of the channel. */
  readonly channel: string
  readonly transition: Transition
  /** The incident as it was then. */
  readonly message: Omit<IncidentView, 'deliveries'>
  readonly state: 'waiting' | 'sent' | 'refused'
  readonly tries: number
  readonly answer: string | null
  readonly at: number
  readonly sentAt: number | null
  readonly share: number
  /** The next try, or the end of the lease of who sends it; null: it is decided. */
  readonly wakeAt: number | null
}
