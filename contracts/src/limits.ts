/** Every limit of the wire, with the reason for its size. Crossing one is a coded error, never a silent cut. */
export const LIMITS = {
  /** Letters of a name; a subject of five such tokens stays far below the broker's 4,096-byte control line. */
  nameLength: 64,
  /** Letters of the name by which someone makes a call: runs and changes of jobs keep it. */
  byLength: 200,
  /** Changes of one job that are kept: the older ones go. */
  changesPerJob: 100,
  /** Letters of an idempotency key: room for two UUIDs and a prefix. */
  keyLength: 256,
  /** Bytes of a run's payload as JSON: work messages carry it, and the broker's default message limit is 1 MiB. */
  payloadBytes: 512 * 1024,
  /** Bytes of a result as JSON, kept with the run. */
  resultBytes: 256 * 1024,
  /** A result up to this size travels inside the run's terminal event; a larger one is read by a call. */
  eventResultBytes: 8 * 1024,
  /** Levels of nested arrays and objects in any value, not counting the message around it: recursion stays shallow everywhere. */
  jsonDepth: 64,
  /** Runs in one bulk start: one store write of a size that every engine takes at once. */
  runsPerCall: 1_000,
  /** Static shards of one run: their records are written before the first starts. */
  shards: 10_000,
  /** Items in one call to map: one store write of a size that every engine takes at once. */
  mapItems: 500,
  /** Bytes of one item as JSON: a work message carries it beside the payload. */
  itemBytes: 64 * 1024,
  /** Bytes that the runs of a job keep for each other, as JSON: they are stored in the job's record. */
  jobDataBytes: 16 * 1024,
  /** Letters of a task's id: maps may be nested until it is that long, eleven levels at least. */
  taskIdLength: 128,
  /** Steps of one task: its journal is read when it goes on elsewhere. */
  steps: 10_000,
  /** Tries of one step over all retries of its task: four letters of its record's id. */
  stepTries: 9_999,
  /** Programs of which one says that it goes on with their runs. */
  acceptedPrograms: 50,
  /** Steps that an instance declares of one handler: each registration and its record hold them. A longer list is known by its fingerprint alone. */
  declaredSteps: 200,
  /** Processes that a run remembers to have given it back: a fleet of one program, after some restarts. */
  refusedSessions: 200,
  /** How often a run is given back, because what is deployed does not fit it, before an operator has to decide. */
  givenBack: 20,
  /** Bytes of one message that we publish; below the broker's default of 1 MiB, headers included. */
  messageBytes: 1_000_000,
  /** Total tries of a task: a typo must not make a job that never ends. */
  attempts: 1_000,
  /** Delays of a backoff: a longer list is a formula. */
  backoffDelays: 100,
  /** Errors that are not retried: each is stored with every run. */
  nonRetryable: 50,
  /** Years that a delay or a date may lie ahead. */
  horizonYears: 10,
  /** By how much a schedule may delay its slots: a day. */
  jitterMaxMs: 86_400_000,
  /** How late a slot may be that is still fired as if it were in time: a week. */
  misfireAfterMaxMs: 604_800_000,
  /** Shortest fixed rate of a job. */
  everyMinMs: 100,
  /** Letters of a cron expression. */
  cronLength: 256,
  /** Days of a calendar: eleven years of every day, or a few hundred years of holidays. */
  calendarDays: 4_000,
  /** Bytes of an iCalendar text: a message carries it, and the broker's default message limit is 1 MiB. */
  icsBytes: 512 * 1024,
  /** Runs that have a place at one gate: its record is written whenever one of them starts. */
  gateHolders: 1_000,
  /** Runs of overlap `serial` that wait at one gate. */
  gateWaiting: 1_000,
  /** Runs that a rate may allow within a period. */
  rateCount: 1_000_000,
  /** The longest period of a rate: 31 days. */
  ratePeriodMaxMs: 2_678_400_000,
  /** Triggers of one batch: the record of a gate names those of the batch that is being made. */
  batchCount: 1_000,
  /** Letters of an expression. */
  expressionLength: 1_024,
  /** Failures in a row that a job may be asked to react to: so many of its runs are read at an end. */
  failuresInRow: 100,
  /** Instants of one job: its record is read whenever it fires. */
  instants: 1_000,
  /** Slots of one backfill: each has a run at once. */
  backfillSlots: 10_000,
  /** Slots of one preview: each is searched for. */
  previewSlots: 100,
  /** Calendars of one job. */
  calendarsPerJob: 8,
  /** Letters of the subject of an event. */
  subjectLength: 256,
  /** Nodes of one workflow: its graph is read whenever one of them ends. */
  workflowNodes: 1_000,
  /** Bytes of a workflow as JSON: each of its runs keeps a copy. */
  workflowBytes: 512 * 1024,
  /** Bytes of the context of a workflow as JSON: each task keeps the one that it began with. */
  contextBytes: 256 * 1024,
  /** Letters of a key of the context. */
  contextKeyLength: 256,
  /** Bytes of results and of what was set in the context that the expressions of one node read: a coordinator has them in memory, as text and as values. */
  nodeReadBytes: 16 * 1024 * 1024,
  /** Problems of one workflow that an error names: more than anyone corrects at once, and fewer than fill a message. */
  workflowProblems: 100,
  /** Items of one `foreach` node: the ids of its tasks have five digits. */
  foreachItems: 100_000,
  /** Bytes of these as JSON: they are stored with the node's task, and read once. */
  foreachBytes: 4 * 1024 * 1024,
  /** Runs within one another: each waits for the next one, so deeper ones would hardly end. */
  nesting: 10,
  /** Branches of one decision. */
  workflowBranches: 100,
  /** Roles that may decide about one approval. */
  approvalRoles: 20,
  /** Roles of approvals that a member has: those of one approval, and some. */
  memberApprovals: 50,
  /** Letters of the note of an approval. */
  noteLength: 1_000,
  /** Letters of an expression of a workflow. */
  decisionLength: 4_096,
  /** Bytes of a signal's payload as JSON: its run reads it with the results of its steps. */
  signalBytes: 64 * 1024,
  /** Signals of one run that nothing has taken: a sender that repeats itself for ever is noticed. */
  signalsPerRun: 1_000,
  /** Bytes of the payloads of these together. */
  signalBytesPerRun: 4 * 1024 * 1024,
  /** Signals of one namespace that came before their runs, which may never come. */
  signalsUnclaimed: 10_000,
  /** The longest that a signal is kept for a run that does not come: 90 days. */
  signalTtlMaxMs: 7_776_000_000,
  /** Signals that one task waits for at the same time: its record names them. */
  waitsAtOnce: 100,
  /** Jobs that one job follows. */
  parentsPerJob: 20,
  /** Jobs that fire one another in a row: a chain that is longer would hardly end. */
  chainLength: 32,
  /** Jobs in a row of which the last was fired by a message that a node has published: nothing but the header shows that it may fire itself. */
  publishDepth: 10,
  /** Newest runs of a job that are kept whatever their age: every removal pass has to skip them. */
  keepPerJob: 100_000,
  /** Alert rules of one namespace, and channels: each gateway has them in memory, and compares each failure with each rule. */
  alertRules: 200,
  alertChannels: 100,
  /** Names that a rule is restricted to. */
  alertPatterns: 100,
  /** Reminders of one incident: who did not answer so many will not answer the next. */
  alertReminders: 1_000,
  /** Channels of one rule: each transition of an incident is sent to each. */
  alertChannelsPerRule: 10,
  /** What may be asked to happen, or to succeed, before an incident opens or ends: its record names so many. */
  alertThreshold: 100,
  /** Recipients of one mail. */
  alertRecipients: 50,
  /** Entries on a page of a list. */
  pageSize: 1_000,
  /** Letters of a cursor: a few positions, and which filters it goes with. */
  cursorLength: 400,
  /** Letters that runs and log lines are searched for: an error message, or an id with what is around it. */
  searchLength: 200,
  /** Runs that a count counts: more are "10,000+", for people as good as the number. */
  countedRuns: 10_000,
  /** Lines in one log message. */
  logLinesPerMessage: 100,
  /** Bytes of one log line. */
  logLineBytes: 8 * 1024,
  /** Lines an executor keeps while the broker is away. */
  logBufferLines: 10_000,
  /** Bytes of an error's message and of its stack, as kept with a run. */
  errorTextBytes: 8 * 1024,
  /** Handlers of one instance: one durable consumer each, of the 1,000 that a stream allows. */
  handlersPerInstance: 200,
  /** Tasks of one assignment to an instance: it reads and answers them in one turn of its event loop. */
  assignedTogether: 500,
  /** Stuck tasks that a heartbeat names; it counts all of them. */
  stuckTasksShown: 10,
  /** Instances that a route names: each is compared for every task. */
  routeInstances: 100,
  /** Concurrent tasks of one instance. */
  capacity: 10_000,
} as const

/** Time limits of the wire, in milliseconds. */
export const TIMES = {
  /** An executor's heartbeat. */
  beatMs: 3_000,
  /** Silence after which an instance is lost. */
  lostAfterMs: 10_000,
  /** An instance is hung when stuck handlers hold all its slots for so long: far longer than the grace of a handler that is only slow to end. */
  hungAfterMs: 30_000,
  /**
   * An instance is hung when nothing has come of its tasks for so long at least (2.5 times the average of their jobs, where that is longer). The default of a setting of
   * coordinators: no handler that waits for a slow service should need to say that it lives.
   */
  idleHungAfterMs: 300_000,
  /** Redelivery of work, reports and triggers that were neither acknowledged nor reported as in progress. */
  ackWaitMs: 10_000,
  /** How often the holder of a message reports it as in progress (`+WPI`). */
  workingMs: 3_000,
  /** A handler's time between abort and the report of its end. */
  graceMs: 5_000,
  /** A task shorter than this has no `started` report of its own. */
  startedFoldMs: 200,
  /** How long a signal is kept that nothing takes: a week. */
  signalTtlMs: 604_800_000,
  /** A slot later than this is a misfire. */
  misfireAfterMs: 60_000,
  /** How long the broker remembers message ids, except in stream WORK. */
  dedupeMs: 120_000,
} as const

/** Executor deaths in a row after which a task is poison, except those that it is known not to have caused. */
export const POISON_AFTER = 3
/** Deaths in a row that a task did not cause, after which it runs alone in its process: then no other task can interrupt it. */
export const ALONE_AFTER = 5
