/** A change of one built module, by which a guard goes. */
export interface Mutation {
  /** End of the module's path. */
  readonly module: string
  readonly find: RegExp
  readonly put: string
}

interface GuardDefinition {
  /** The behaviour of the mesh without it. */
  readonly without: string
  readonly mutations: readonly Mutation[]
}

/** The body of a method begins with a return. */
const returnsAtOnce = (module: string, method: string, value = ''): Mutation => ({
  module,
  find: new RegExp(`^(\\s*(?:export |async )*${method}\\(.*\\) \\{)$`, 'm'),
  put: `$1 return ${value};`,
})

/**
 * What keeps work from being lost or done twice. Each is taken out of the built code, in the processes of one scenario, to prove that the
 * scenario notices: one that stays green without its guard proves nothing. A mutation whose text is not found ends the process.
 */
export const GUARDS = {
  'take-over': {
    without: 'nobody takes over what a lost instance was running',
    mutations: [
      returnsAtOnce('coordinator/dist/recovery/take-over-instance.js', 'execute'),
      returnsAtOnce('coordinator/dist/dispatch/presence.js', 'isLost', 'false'),
      returnsAtOnce('coordinator/dist/dispatch/claim-task.js', 'execute', "{ run: false, reason: 'nobody may' }"),
    ],
  },
  repair: {
    without: 'work that the broker does not have is not published again',
    mutations: [returnsAtOnce('coordinator/dist/recovery/repair-queue.js', '#repair', '0')],
  },
  memory: {
    without: 'an executor forgets what it has finished, and trusts what a restarted broker says of deliveries',
    mutations: [returnsAtOnce('sdk/dist/executor/held-task.js', 'findEnded'), returnsAtOnce('sdk/dist/executor/intake.js', 'forgetsUpTo')],
  },
  'living-owner': {
    without: 'silence is death: a redelivery is a loss, although the owner lives',
    mutations: [returnsAtOnce('coordinator/dist/dispatch/claim-task.js', '#holderOf')],
  },
  solitude: {
    without: 'what is suspected of killing processes does not run alone',
    mutations: [returnsAtOnce('coordinator/dist/runs/rules/loss.js', 'function runsAlone', 'false')],
  },
  'mesh-clock': {
    without: 'coordinators believe their wall clock, and set nothing right after a jump',
    mutations: [
      returnsAtOnce('runtime/dist/mesh-clock.js', 'now', 'this.#local.now()'),
      returnsAtOnce('coordinator/dist/schedules/repair-times.js', 'execute', '0'),
    ],
  },
  patience: {
    without: 'an instance is lost after 3.6 s of silence, when one of its heartbeats is less than a second late',
    mutations: [{ module: 'contracts/dist/limits.js', find: /lostAfterMs: 10_?000/, put: 'lostAfterMs: 3_600' }],
  },
  'heard-time': {
    without: 'silence counts also while the registry itself could hear nobody',
    mutations: [
      { module: 'registry/dist/presence/rules/ticked-time.js', find: /Math\.min\((Math\.max\(.*\)), this\.#longestStepMs\)/, put: '$1' },
    ],
  },
  membership: {
    without: 'a coordinator that stands still keeps its share',
    mutations: [{ module: 'coordinator/dist/recovery/membership.js', find: /DEAD_AFTER_MS = 2_?500/, put: 'DEAD_AFTER_MS = 3_600_000' }],
  },
  resend: {
    without: 'a report that the broker did not confirm is not sent again',
    mutations: [
      returnsAtOnce('sdk/dist/connection/confirmed-publisher.js', '#sweep'),
      returnsAtOnce('sdk/dist/connection/confirmed-publisher.js', '#sendAll'),
    ],
  },
  fence: {
    without: 'a report of an attempt that is over, by an instance that lost it, is applied',
    mutations: [
      {
        module: 'coordinator/dist/runs/rules/life.js',
        find: /if \(report\.attempt !== life\.attempt\)\s*return \{ refused: 'stale-attempt' \};/,
        put: 'report = { ...report, attempt: life.attempt }; context = { ...context, instance: life.owner ?? context.instance };',
      },
    ],
  },
  'dropped-lines': {
    without: 'lines that are dropped are not counted',
    mutations: [{ module: 'sdk/dist/logs/log-buffer.js', find: /segment\.dropped\+\+/, put: 'void 0' }],
  },
  commit: {
    without: 'a start is answered before it is stored',
    mutations: [
      {
        module: 'coordinator/dist/runs/start-runs.js',
        find: /await (this\.#runs\.insert\((\w+), \{ answerFirst: true \}\))/,
        put: "(setTimeout(() => $1.catch(() => undefined), 1_000), $2.map(() => 'created'))",
      },
    ],
  },
} as const satisfies Record<string, GuardDefinition>
export type Guard = keyof typeof GUARDS
