import { type Backoff, LIMITS, PRIORITIES, type Priority } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseBackoff, parseShare, withJitter } from '../arguments/backoff.ts'
import { parseDuration } from '../arguments/duration.ts'
import { parseChoice, parseText, parseWhole } from '../arguments/scalars.ts'

/** Options that a run and a job share: attempts, backoff, limits of time, priority. */
export interface PolicyOptions {
  readonly attempts?: number
  readonly backoff?: Backoff
  readonly backoffJitter?: number
  /** An option that begins with `--no-` is true where it is not given. */
  readonly retryOn?: string[] | true
  readonly timeout?: number
  readonly runTimeout?: number
  readonly deadline?: number
  readonly priority?: Priority
}

interface PolicyFields {
  attempts?: number
  backoff?: Backoff
  nonRetryable?: string[]
  timeoutMs?: number
  runTimeoutMs?: number
  deadlineMs?: number
  priority?: Priority
}

/** Adds the options of attempts, backoff, limits of time and priority. */
export function addPolicyOptions(command: Command): Command {
  return command
    .option('--attempts <n>', 'total tries; 1 is no retry', (text) => parseWhole('--attempts', text, { min: 1, max: LIMITS.attempts }))
    .option(
      '--backoff <spec>',
      "when a further try begins: fixed:1s, exponential:1s, exponential:1s:2:5m, list:1s,5s,1m, random:1s:10s, cron:'0 * * * *'",
      (text) => parseBackoff('--backoff', text),
    )
    .option('--backoff-jitter <share>', 'with --backoff: each wait is shorter by up to this share, such as 20%', (text) =>
      parseShare('--backoff-jitter', text),
    )
    .option(
      '--no-retry-on <error>',
      'no further try after this error: its name or code, such as TypeError; may be given several times',
      errorOf,
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
export function policyOf({ attempts, timeout, runTimeout, deadline, priority, ...retry }: PolicyOptions): PolicyFields {
  const backoff = withJitter(retry.backoff, { option: '--backoff-jitter', jitter: retry.backoffJitter })
  return {
    ...(attempts === undefined ? {} : { attempts }),
    ...(backoff === undefined ? {} : { backoff }),
    ...(Array.isArray(retry.retryOn) ? { nonRetryable: retry.retryOn } : {}),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(runTimeout === undefined ? {} : { runTimeoutMs: runTimeout }),
    ...(deadline === undefined ? {} : { deadlineMs: deadline }),
    ...(priority === undefined ? {} : { priority }),
  }
}

function errorOf(text: string, before: string[] | true = []): string[] {
  return [...(before === true ? [] : before), parseText('--no-retry-on', text, 'Name an error, such as TypeError or ENOTFOUND.')]
}
