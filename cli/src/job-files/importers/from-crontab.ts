import type { JobInput } from '@carillon/contracts'
import { type ImportOptions, ImportResult, LeftOut, nameFrom, zoneOf } from './import-result.ts'
import { commandOf } from './shell-command.ts'

type Note = (text: string) => void

/** What the lines above an entry have set. */
interface Settings {
  readonly variables: ReadonlyMap<string, string>
  readonly options: ImportOptions
}

const VARIABLE = /^\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z_]\w*))\s*=\s*(.*?)\s*$/
const FOR_MAIL = new Set(['MAILTO', 'MAILFROM', 'CONTENT_TYPE', 'CONTENT_TRANSFER_ENCODING'])

/** The entries of a crontab, in the form of cronie and of Debian's cron. */
export function fromCrontab(text: string, options: ImportOptions): ImportResult {
  const result = new ImportResult()
  const variables = new Map<string, string>()
  const lines = text.split('\n')
  for (const [i, line] of lines.entries()) {
    const object = `line ${i + 1}`
    if (/^\s*(#|$)/.test(line)) continue
    const [, double, single, plain, value = ''] = VARIABLE.exec(line) ?? []
    const name = double ?? single ?? plain
    if (name !== undefined) {
      variables.set(name, value.replace(/^(["'])(.*)\1$/, '$2'))
      if (FOR_MAIL.has(name)) result.leaveOut(`${object} ${name}`, 'no mail is sent: read the logs of the runs')
      continue
    }
    const isCutOff = i === lines.length - 1
    result.add(object, `line${i + 1}`, (note) => {
      if (isCutOff) note('the file ends without a line end: cron refuses or ignores this entry')
      return entryOf(line.trim(), { variables, options }, note)
    })
  }
  return result
}

interface Entry {
  readonly times: string
  readonly user: string | undefined
  readonly command: string
}

function partsOf(line: string, { userColumn }: ImportOptions): Entry {
  const fields = line.startsWith('@') ? 1 : 5
  const pattern = new RegExp(`^((?:\\S+\\s+){${fields - 1}}\\S+)\\s+${userColumn ? '(\\S+)\\s+' : '()'}(.*)$`, 's')
  const [, times, user = '', command = ''] = pattern.exec(line) ?? []
  if (times === undefined || command === '')
    throw new LeftOut(`"${line.slice(0, 60)}" is no entry of a crontab${userColumn ? ' with a user column' : ''}`)
  return { times, user: user === '' ? undefined : user, command }
}

function entryOf(given: string, { variables, options }: Settings, note: Note): JobInput {
  const isQuiet = given.startsWith('-')
  const line = isQuiet ? given.slice(1) : given
  const { times, user, command } = partsOf(line, options)
  if (isQuiet) note('the leading "-", which keeps it out of the log of cron, is not carried')
  if (user !== undefined) note(`it ran as user ${user}: here the user of the executor runs it`)
  const cron = cronOf(times)
  const delay = variables.get('RANDOM_DELAY')
  const jitterMs = Math.min(Number(delay ?? 0) * 60_000, 86_400_000) || 0
  if (jitterMs > 0) note(`RANDOM_DELAY=${delay} is a jitter: the same for each slot, instead of chosen anew when cron starts`)
  const ownZone = variables.get('CRON_TZ')
  if (ownZone !== undefined) note(`CRON_TZ=${ownZone} is its zone, as cronie has it; the cron of Debian ignores it`)
  const payload = commandOf(command, { shell: variables.get('SHELL') ?? '/bin/sh', variables: environmentOf(variables, note) }, note)
  return {
    name: nameFrom(labelOf(payload, command), 'cron'),
    handler: 'command',
    description: command.slice(0, 1_000),
    schedule: { cron, timezone: ownZone ?? zoneOf(options, 'the zone of the machine'), ...(jitterMs > 0 ? { jitterMs } : {}) },
    payload,
    // What cron missed it does not make up for.
    misfire: 'skip',
  }
}

/** What a person would call it: the name of the program. */
function labelOf({ command, args = [] }: { command: string; args?: readonly string[] }, text: string): string {
  const program = args[0] === '-c' ? (/^\S+/.exec(text)?.[0] ?? '') : command
  return (program.split('/').at(-1) ?? '').replace(/\.(sh|py|pl|rb|js|php)$/, '')
}

const NO_ENVIRONMENT = new Set([...FOR_MAIL, 'SHELL', 'CRON_TZ', 'RANDOM_DELAY'])

function environmentOf(variables: ReadonlyMap<string, string>, note: Note): Record<string, string> {
  const kept = [...variables].filter(([name]) => !NO_ENVIRONMENT.has(name))
  if (kept.length > 0) note(`variables ${kept.map(([name]) => name).join(', ')} are in its payload: the executor must allow them`)
  return Object.fromEntries(kept)
}

const ALIASES: Readonly<Record<string, string>> = {
  '@yearly': '@yearly',
  '@annually': '@annually',
  '@monthly': '@monthly',
  '@weekly': '@weekly',
  '@daily': '@daily',
  '@midnight': '@daily',
  '@hourly': '@hourly',
}

function cronOf(times: string): string {
  if (times.startsWith('@')) {
    const alias = ALIASES[times.toLowerCase()]
    if (alias === undefined)
      throw new LeftOut(times === '@reboot' ? '@reboot is no schedule: start it with the machine' : `${times} is not known here`)
    return alias
  }
  const fields = times.split(/\s+/)
  if (fields.some((field) => field.includes('~')))
    throw new LeftOut(`"${times}": ~ is a time that cron chooses when it starts: write one, or use a jitter`)
  const [, , day = '', , weekday = ''] = fields
  const isStar = (field: string) => field === '*'
  // To cron a field that begins with a star is one star: then both fields must match. To Carillon `*/2` is a list of days, and either may match.
  if (!isStar(day) && !isStar(weekday) && (day.startsWith('*') || weekday.startsWith('*')))
    throw new LeftOut(`"${times}": cron fires where both day fields match, because one begins with "*"; that cannot be said here`)
  return fields.join(' ')
}
