import { type Backoff, LIMITS, PRIORITIES, type Priority } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseBackoff } from '../arguments/backoff.ts'
import { parseDuration } from '../arguments/duration.ts'
import { parseChoice, parseWhole } from '../arguments/scalars.ts'

/** Options that a run and a job share: attempts, backoff, limits of time, priority. */
export interface PolicyOptions {
  readonly attempts?: number
  readonly backoff?: Backoff
  readonly timeout?: number
  readonly runTimeout?: number
  readonly deadline?: number
  readonly priority?: Priority
}

interface PolicyFields {
  attempts?: number
  backoff?: Backoff
  timeoutMs?: number
  runTimeoutMs?: number
  deadlineMs?: number
  priority?: Priority
}

/** Adds the options of attempts, backoff, limits of time and priority. */
export function addPolicyOptions(command: Command): Command {
  return command
    .option('--attempts <n>', 'total tries; 1 is no retry', (text) => parseWhole('--attempts', text, { min: 1, max: LIMITS.attempts }))
    .option('--backoff <spec>', 'wait before a further try: fixed:1s, exponential:1s, exponential:1s:2:5m', (text) =>
      parseBackoff('--backoff', text),
    )
    .option('--timeout <duration>', 'time limit of each try, such as 30s', (text) => parseDuration('--timeout', text))
    .option('--run-timeout <duration>', 'time limit of the whole run, over all tries, such as 2h', (text) =>
      parseDuration('--run-timeout', text),
    )
    .option('--deadline <duration>', 'the run expires when it has not started within this, such as 10m', (text) =>
      parseDuration('--deadline', text),
    )
    .option('--priority <priority>', `${PRIORITIES.join(', ')} (default: normal)`, (text) => parseChoice('--priority', text, PRIORITIES))
}

/** Those options by their names on the wire; options that are not given are left out. */
export function policyOf({ attempts, backoff, timeout, runTimeout, deadline, priority }: PolicyOptions): PolicyFields {
  return {
    ...(attempts === undefined ? {} : { attempts }),
    ...(backoff === undefined ? {} : { backoff }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(runTimeout === undefined ? {} : { runTimeoutMs: runTimeout }),
    ...(deadline === undefined ? {} : { deadlineMs: deadline }),
    ...(priority === undefined ? {} : { priority }),
  }
}
