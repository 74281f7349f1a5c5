import { ACCOUNT_ERROR_CODES } from './account-error-codes.ts'

/** One row of the catalogue. `retry` is whether the same request may succeed later without a change. */
export interface ErrorDefinition {
  readonly meaning: string
  readonly retry: boolean
  readonly remedy: string
}

/** The catalogue of error codes; `docs/ERRORS.md` is generated from it. */
export const ERROR_CODES = {
  INVALID_REQUEST: {
    meaning: 'A field is missing, unknown or of the wrong type.',
    retry: false,
    remedy: 'Correct the field that the error names.',
  },
  INVALID_NAME: { meaning: 'A name cannot be part of a subject.', retry: false, remedy: 'Use 1 to 64 letters, digits, "-" or "_".' },
  INVALID_HEADER: {
    meaning: 'A message has a header of Carillon that means nothing there.',
    retry: false,
    remedy: 'Leave it out, or correct its name: docs/PROTOCOL.md lists the headers.',
  },
  PROTOCOL_MISMATCH: {
    meaning: 'An executor speaks a version of the protocol that this mesh does not.',
    retry: false,
    remedy: 'Use an executor or a mesh of a version that fits.',
  },
  INVALID_JSON: { meaning: 'A body is not JSON.', retry: false, remedy: 'Send UTF-8 encoded JSON.' },
  JSON_TOO_DEEP: { meaning: 'JSON is nested too deep.', retry: false, remedy: 'Flatten the data, or send it as a string.' },
  INTEGER_TOO_LARGE: { meaning: 'An integer cannot be kept exactly.', retry: false, remedy: 'Send integers beyond 2^53 - 1 as strings.' },
  PAYLOAD_TOO_LARGE: { meaning: 'A payload is over the limit.', retry: false, remedy: 'Store the data elsewhere and send a reference.' },
  RESULT_TOO_LARGE: { meaning: 'A result is over the limit.', retry: false, remedy: 'Store the data elsewhere and return a reference.' },
  RESULT_NOT_JSON: {
    meaning: 'A result cannot be written as JSON.',
    retry: false,
    remedy: 'Return plain data: no maps, sets, class instances, functions, BigInt, NaN or cycles.',
  },
  INVALID_CRON: { meaning: 'A cron expression is wrong.', retry: false, remedy: 'Use 5 fields, or 6 with seconds first.' },
  CRON_NEVER_FIRES: { meaning: 'A cron expression has no next time.', retry: false, remedy: 'Name a date that exists.' },
  INVALID_TIME_ZONE: {
    meaning: 'A time zone is unknown.',
    retry: false,
    remedy: 'Use an IANA name of a place, such as Europe/Paris, or UTC; abbreviations such as EST are not taken.',
  },
  INVALID_SCHEDULE: {
    meaning: 'Parts of a schedule contradict each other.',
    retry: false,
    remedy: 'Change the part that the error names.',
  },
  CALENDAR_IN_USE: {
    meaning: 'A job uses the calendar.',
    retry: false,
    remedy: 'Put the job again without the calendar first.',
  },
  CALENDAR_EXCLUDES_ALL: {
    meaning: 'The calendars of a schedule leave no day for any slot of the next eight years.',
    retry: false,
    remedy: 'Use another calendar, or skip its days instead of using only them.',
  },
  INVALID_DELAY: { meaning: 'A duration is not a usable number.', retry: false, remedy: 'Use whole milliseconds from 0 up to 10 years.' },
  INVALID_EXPRESSION: {
    meaning: 'An expression of a filter, key or decision is wrong.',
    retry: false,
    remedy: 'Correct it at the place that the error marks: docs/EXPRESSIONS.md says what can be written.',
  },
  CONTEXT_TOO_LARGE: {
    meaning: 'The context of a workflow is over the limit.',
    retry: false,
    remedy: 'Store the data elsewhere and keep a reference in the context.',
  },
  INVALID_ITEMS: {
    meaning: 'The expression of a foreach node gives no list, or one that is too long or too large.',
    retry: false,
    remedy: 'Give a list within the limits; the message says what it was given. For more items use a map.',
  },
  NESTED_TOO_DEEP: {
    meaning: 'A child run would be a run of a job that waits for it, or too many runs would wait for one another.',
    retry: false,
    remedy: 'Let the job end without it, and fire the other job by its end: afterJobs.',
  },
  CHILD_RUN: {
    meaning: 'A child run is not retried by itself, nor resumed while the run that it is within is paused.',
    retry: false,
    remedy: 'Retry, or resume, the run that the message names: it goes on with this one.',
  },
  INVALID_WORKFLOW: {
    meaning: 'A workflow cannot be run: its graph, or an expression of a node, is wrong.',
    retry: false,
    remedy: 'Correct the nodes that the error names: docs/WORKFLOWS.md says what can be written.',
  },
  EXPRESSION_FAILED: {
    meaning: 'An expression has no result for these values.',
    retry: false,
    remedy: 'Test what may be missing with has(…), and read less where it takes too much work: docs/EXPRESSIONS.md.',
  },
  INVALID_DATE: { meaning: 'A date does not exist or has no zone.', retry: false, remedy: 'Use RFC 3339, such as 2030-01-31T09:00:00Z.' },
  INVALID_CALENDAR: {
    meaning: 'The days of a calendar are wrong, or its iCalendar text cannot be used.',
    retry: false,
    remedy: 'Give existing days as YYYY-MM-DD, or an iCalendar text (RFC 5545) with all-day events.',
  },
  TOO_MANY_RUNS: { meaning: 'A bulk start has too many runs.', retry: false, remedy: 'Send at most 1,000 in one call.' },
  JOB_NOT_FOUND: { meaning: 'There is no job of that name.', retry: false, remedy: 'See `npx @carillon/cli jobs list`.' },
  JOB_VERSION_OLD: {
    meaning: 'Code declares a job with a lower version than the stored one has.',
    retry: false,
    remedy: 'Deploy the newer code, or raise the version above the stored one.',
  },
  JOB_VERSION_CONFLICT: {
    meaning: 'Code declares a job with another definition under the version that is stored.',
    retry: false,
    remedy: 'Raise the version whenever the definition changes.',
  },
  DEAD_LETTER_NOT_FOUND: {
    meaning: 'There is no dead letter of that id: the retry has not been given up, or somebody has removed the letter.',
    retry: false,
    remedy: 'See `npx @carillon/cli dead-letters list`, and `npx @carillon/cli runs get` for the run.',
  },
  CALENDAR_NOT_FOUND: { meaning: 'There is no calendar of that name.', retry: false, remedy: 'See `npx @carillon/cli calendars list`.' },
  RUN_NOT_FOUND: { meaning: 'There is no run of that id.', retry: false, remedy: 'See `npx @carillon/cli runs list`.' },
  RUN_REMOVED: {
    meaning: 'The run was kept for its time and then removed; its id is still taken.',
    retry: false,
    remedy: 'Start a new run. How long runs are kept is a setting of the coordinators.',
  },
  RUN_ENDED: { meaning: 'The run has ended already.', retry: false, remedy: 'Use retry to run it again.' },
  RUN_OPEN: { meaning: 'The run has not ended yet.', retry: false, remedy: 'Wait for its end, or cancel it first.' },
  NOTHING_FAILED: {
    meaning: 'Only what failed is to run again, and nothing did.',
    retry: false,
    remedy: 'Run all of it again: npx @carillon/cli runs retry <run>, without --failed.',
  },
  SIGNAL_TOO_LARGE: {
    meaning: 'The payload of a signal is over the limit.',
    retry: false,
    remedy: 'Keep the data elsewhere and send a reference.',
  },
  TOO_MANY_SIGNALS: {
    meaning: 'As many signals as are kept wait to be taken, in number or in bytes: of this run, or for runs that are not there.',
    retry: false,
    remedy: 'See `npx @carillon/cli runs signals <run>`: does it wait for these, and is its id right? Signals that nothing takes expire.',
  },
  RUN_NOT_PAUSABLE: {
    meaning: 'A run in this state cannot be paused.',
    retry: false,
    remedy:
      'A single run can be paused while it waits for its next attempt; a fan-out run or a workflow unless it waits at a gate or is being cancelled. Or cancel it.',
  },
  NODES_COMPENSATED: {
    meaning: 'What nodes of the run have done was undone, and the run is to go on as if it were still there.',
    retry: false,
    remedy: 'Run it again from the node that the error names, or all of it.',
  },
  TASK_NOT_RUNNING: {
    meaning: 'The task has ended, is at another attempt, or runs elsewhere.',
    retry: false,
    remedy: 'Stop: nothing more that this attempt does counts.',
  },
  ITEM_TOO_LARGE: { meaning: 'An item of a map is over the limit.', retry: false, remedy: 'Store the data elsewhere and map references.' },
  DATA_TOO_LARGE: {
    meaning: 'The data of a job is over the limit.',
    retry: false,
    remedy: 'Keep the data elsewhere and a reference here.',
  },
  MAP_TOO_DEEP: { meaning: 'Maps are nested too deep.', retry: false, remedy: 'Map in fewer levels.' },
  INSTANCE_UNKNOWN: {
    meaning: 'No live instance has this id.',
    retry: true,
    remedy: 'An executor registers and sends beats, then asks again. `carillon instances list` names those that live.',
  },
  DRAIN_INCOMPLETE: {
    meaning: 'An instance that is drained still held tasks when the time to wait was over. It stays cordoned.',
    retry: true,
    remedy: 'Wait again, cancel what it runs, or stop it: its tasks then go to others.',
  },
  INSTANCE_TAKEN: {
    meaning: 'Another live process has this instance name.',
    retry: false,
    remedy: 'Give each process a name of its own, or none: then it gets a random one.',
  },
  KEY_CONFLICT: {
    meaning: 'The key or id belongs to a run that was asked for otherwise; the message names the field.',
    retry: false,
    remedy: 'Use a new key, or send the same request again.',
  },
  START_TOO_OLD: {
    meaning: 'A start was requested longer ago than keys of runs are remembered: whether it has been started before cannot be known.',
    retry: false,
    remedy: 'Find out whether its run has been there, and request it anew. How long keys are remembered is a setting of the coordinators.',
  },
  OUTBOX_FULL: {
    meaning: 'The file in which a process keeps what it could not send is full.',
    retry: true,
    remedy: 'Let the process reach its broker again, or raise outbox.maxBytes of connect.',
  },
  OUTBOX_UNUSABLE: {
    meaning: 'The file in which a process keeps what it could not send cannot be written or read.',
    retry: false,
    remedy: 'Check the folder that the error names; outbox.folder of connect chooses another.',
  },
  HANDLER_EXISTS: { meaning: 'Two handlers of one executor have the same name.', retry: false, remedy: 'Give each handler its own name.' },
  DECIDED_OTHERWISE: {
    meaning: 'The approval has been decided otherwise, or has ended, or is another one by now.',
    retry: false,
    remedy: 'See `npx @carillon/cli runs tree <run>`: who has decided what. Run the node again to decide anew.',
  },
  CONCURRENT_CHANGE: {
    meaning: 'Another writer has changed the record.',
    retry: true,
    remedy: 'Read it again and repeat the change.',
  },
  QUEUE_FULL: {
    meaning: 'The stream takes no more messages.',
    retry: true,
    remedy: 'Start more executors, or raise the limit of the stream.',
  },
  STORE_UNAVAILABLE: { meaning: 'The store does not answer.', retry: true, remedy: 'Check the database.' },
  STORE_READ_ONLY: { meaning: 'The store cannot be written.', retry: true, remedy: 'Check the permissions of the database.' },
  STORE_FULL: { meaning: 'The disk of the store is full.', retry: true, remedy: 'Free disk space.' },
  STORE_TOO_NEW: {
    meaning: 'A newer version of Carillon has written the store.',
    retry: false,
    remedy: 'Use that version, or restore the backup that was made before the upgrade.',
  },
  STORE_MISMATCH: {
    meaning: 'The work in the broker belongs to another store.',
    retry: false,
    remedy: 'Use the store that the error names, or a broker of its own for each store.',
  },
  NATS_UNAVAILABLE: { meaning: 'The broker does not answer.', retry: true, remedy: 'Check the address and that nats-server runs.' },
  AUTH_FAILED: {
    meaning: 'The broker refuses the credentials, or asks for some.',
    retry: false,
    remedy: 'Correct the credentials that the error names; CONFIG.md lists every way to log in.',
  },
  TLS_FAILED: {
    meaning: 'No encrypted connection to the broker can be made.',
    retry: false,
    remedy: 'Check the certificates on both sides and that the broker offers TLS.',
  },
  NATS_TOO_OLD: { meaning: 'The broker is too old.', retry: false, remedy: 'Use nats-server 2.12 or newer.' },
  JETSTREAM_MISSING: { meaning: 'The broker has no JetStream.', retry: false, remedy: 'Start nats-server with -js.' },
  NO_SERVICE: {
    meaning: 'No service answers this call.',
    retry: true,
    remedy: 'Start it; `npx @carillon/cli doctor` shows which is missing.',
  },
  OVERLOADED: {
    meaning: 'A service has as many large requests waiting as it keeps in memory; this one was not taken.',
    retry: true,
    remedy: 'Send it again a moment later, as SDK and command line do until the deadline; start more services of this kind.',
  },
  CALL_TIMEOUT: {
    meaning: 'A call had no answer within its deadline.',
    retry: true,
    remedy: 'Repeat it with the same id or key; see `npx @carillon/cli doctor`.',
  },
  GATEWAY_UNAVAILABLE: {
    meaning: 'No gateway answers at that address.',
    retry: true,
    remedy: 'Check the address, and that a gateway runs: `carillon up` starts one at http://localhost:8420.',
  },
  NEEDS_BROKER: {
    meaning: 'A command works with the broker itself, and not over HTTP.',
    retry: false,
    remedy: 'Give the address of the broker with --nats instead of --url.',
  },
  HTTP_ROUTE_NOT_FOUND: {
    meaning: 'The gateway has no such path.',
    retry: false,
    remedy: 'See /api/docs of the gateway for its paths.',
  },
  HTTP_METHOD_NOT_ALLOWED: {
    meaning: 'A path of the gateway has no such method.',
    retry: false,
    remedy: 'Use one that the header Allow of the answer names.',
  },
  HOST_UNKNOWN: {
    meaning: 'A request came under a host name that the gateway does not have.',
    retry: false,
    remedy: 'Use localhost, or set CARILLON_HTTP_ORIGIN to the address that people use.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    meaning: 'A body over HTTP is of a type that its route does not take.',
    retry: false,
    remedy: 'Send JSON with the header Content-Type: application/json.',
  },
  REQUEST_TOO_LARGE: {
    meaning: 'An HTTP request is over the limit: 1 MiB of body, 16 KiB of headers.',
    retry: false,
    remedy: 'Store the data elsewhere and send a reference.',
  },
  REQUEST_TOO_SLOW: {
    meaning: 'An HTTP request did not arrive in time: 10 s for its headers, 30 s for all of it.',
    retry: true,
    remedy: 'Send it again over a better connection.',
  },
  RATE_LIMITED: {
    meaning: 'A client has sent more requests than the gateway takes in a time.',
    retry: true,
    remedy: 'Send it again after the seconds that the header Retry-After names.',
  },
  WEBHOOK_REFUSED: {
    meaning: 'A delivery to a webhook has no signature that is right for its address, or its time is more than five minutes off.',
    retry: false,
    remedy: 'Check the address, that the sender has the secret, and its clock.',
  },
  WEBHOOK_NOT_FOUND: { meaning: 'A job has no webhook.', retry: false, remedy: 'Make one: POST …/jobs/<name>/webhook.' },
  PRECONDITION_FAILED: {
    meaning: 'What is to be changed is not as the request says that it is.',
    retry: false,
    remedy: 'Read it again, and decide on what it is now.',
  },
  INVALID_ALERT: {
    meaning: 'An alert rule or a channel is wrong, or its fields contradict each other.',
    retry: false,
    remedy: 'Correct the field that the error names: docs/ALERTS.md.',
  },
  ALERT_RULE_NOT_FOUND: { meaning: 'There is no such alert rule.', retry: false, remedy: 'List the rules: `carillon alerts rules list`.' },
  ALERT_CHANNEL_NOT_FOUND: {
    meaning: 'There is no such alert channel.',
    retry: false,
    remedy: 'List the channels: `carillon alerts channels list`.',
  },
  ALERT_CHANNEL_IN_USE: {
    meaning: 'An alert rule sends to this channel.',
    retry: false,
    remedy: 'Take it out of the rule that the message names.',
  },
  TOO_MANY_ALERTS: { meaning: 'A namespace has as many alert rules or channels as it may have.', retry: false, remedy: 'Remove some.' },
  INCIDENT_NOT_FOUND: {
    meaning: 'There is no such incident.',
    retry: false,
    remedy: 'List the incidents: `carillon alerts incidents list`.',
  },
  INCIDENT_OVER: { meaning: 'The incident is over.', retry: false, remedy: 'Nothing is to be done.' },
  RUN_NOT_SUCCEEDED: { meaning: 'A run that was waited for did not succeed.', retry: false, remedy: 'Read its reason and its logs.' },
  NOT_CONNECTED: { meaning: 'The connection was closed by this process.', retry: false, remedy: 'Call connect() again.' },
  NATS_SERVER_NOT_FOUND: { meaning: 'No nats-server could be found or made.', retry: false, remedy: 'Install nats-server 2.12 or newer.' },
  NATS_SERVER_FAILED: { meaning: 'nats-server did not start.', retry: true, remedy: 'Read its last log lines in the error.' },
  PORT_IN_USE: { meaning: 'The port belongs to another process.', retry: true, remedy: 'Choose another with --port.' },
  DATA_FOLDER_IN_USE: {
    meaning: 'Another mesh uses this data folder.',
    retry: true,
    remedy: 'Stop it, or choose another folder with --data.',
  },
  DATA_FOLDER_NOT_WRITABLE: {
    meaning: 'The data folder cannot be written.',
    retry: false,
    remedy: 'Check its permissions, or choose another with --data.',
  },
  INVALID_CONFIG: { meaning: 'A setting is wrong.', retry: false, remedy: 'Correct the variable that the error names.' },
  STREAM_CONFLICT: {
    meaning: 'The broker has a stream or consumer of the same name with settings that cannot be changed.',
    retry: true,
    remedy: 'Remove or rename it, as the message describes; Carillon then creates its own.',
  },
  BROKER_TOO_NEW: {
    meaning: 'A newer version of Carillon has written the streams of the broker.',
    retry: false,
    remedy: 'Use that version, or restore the backup that was made before the upgrade.',
  },
  STORAGE_TOO_SMALL: {
    meaning: 'The broker has no room for a stream.',
    retry: true,
    remedy: 'Free disk space, or raise max_file_store of nats-server.',
  },
  STOP_TIMED_OUT: {
    meaning: 'A process did not end in order within 20 s.',
    retry: false,
    remedy: 'Check that broker and store answer. What was under way others take over.',
  },
  ...ACCOUNT_ERROR_CODES,
  STREAM_NOT_FOUND: {
    meaning: 'No stream of that id is open at this gateway by this account or token.',
    retry: false,
    remedy: 'Open a stream with the topics that you want; its first event has its id.',
  },
  TOO_MANY_STREAMS: {
    meaning: 'As many streams are open as the gateway allows: of one account or token, of one address, or in all.',
    retry: true,
    remedy: 'Close those that nobody reads; follow several topics in one stream.',
  },
  INTERNAL: { meaning: 'A fault of Carillon.', retry: true, remedy: 'Report it with the log lines around it.' },
} as const satisfies Record<string, ErrorDefinition>

export type ErrorCode = keyof typeof ERROR_CODES
