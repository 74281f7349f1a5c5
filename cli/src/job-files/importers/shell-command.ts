/** What the handler `command` runs. */
export interface CommandWork {
  readonly command: string
  readonly args?: string[]
  readonly env?: Record<string, string>
  readonly stdin?: string
}

export interface ShellSettings {
  /** Reads what is not plain. */
  readonly shell: string
  readonly variables: Readonly<Record<string, string>>
}

/** Words that no shell would change. */
const PLAIN = /^[\w/.,:=@+-]+( +[\w/.,:=@+-]+)*$/
/** What only a shell can do, of what looks like a program. */
const BUILT_IN = new Set(
  '. : alias bg break cd command continue eval exec exit export fg hash jobs local read readonly return set shift source times trap type ulimit umask unalias unset wait'.split(
    ' ',
  ),
)

/**
 * The command of a crontab entry: as a program with its arguments where it is plain, else through the shell, with a warning. An unescaped `%` begins
 * the text for its standard input, in which each further one is a line end.
 */
export function commandOf(text: string, { shell, variables }: ShellSettings, note: (text: string) => void): CommandWork {
  const [command = '', ...input] = text.split(/(?<!\\)%/).map((part) => part.replaceAll('\\%', '%'))
  const stdin = input.length === 0 ? undefined : `${input.join('\n')}\n`
  if (stdin !== undefined) note('what follows its "%" is its standard input')
  const more = { ...(Object.keys(variables).length > 0 ? { env: { ...variables } } : {}), ...(stdin === undefined ? {} : { stdin }) }
  const words = command.trim().split(/ +/)
  const [program = '', ...args] = words
  const isPath = program.startsWith('/') || !program.includes('/')
  if (PLAIN.test(command.trim()) && isPath && !program.includes('=') && !BUILT_IN.has(program))
    return { command: program, ...(args.length > 0 ? { args } : {}), ...more }
  note(`WARNING: ${shell} reads it, and may do anything: read it first, and allow ${shell}`)
  return { command: shell, args: ['-c', command.trim()], ...more }
}
