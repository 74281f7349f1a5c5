import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FindContext, Outcome } from './finding.ts'
import { checkBinary, locateCommand } from './installed-binary.ts'
import { type CommandResult, runCommand } from './run-command.ts'

/** Suites that may have a newer package than the machine's own, best first. Some mirrors know only aliases, some only names. */
const ARCHIVES = [
  { name: 'debian', component: 'main', suites: ['testing', 'unstable', 'forky', 'sid'] },
  { name: 'ubuntu', component: 'universe', suites: ['devel'] },
]

/** A mirror that does not answer for one suite need not be asked, and waited for, about the next. */
const UNREACHABLE = /could not (resolve|connect)|timed out|took longer/i

/** Package lists, state and packages go into `workshop`: nothing here needs root or changes what apt knows. */
export async function takeDebianPackage(workshop: string, context: FindContext): Promise<Outcome> {
  for (const command of ['apt-get', 'dpkg']) {
    if ((await locateCommand(command, context.environment)) === undefined) return { why: `no ${command} on PATH` }
  }
  const apt = new PrivateApt(workshop, context)
  const source = await apt.findSource()
  if (source === undefined) return { why: 'apt knows no Debian or Ubuntu mirror' }
  const reasons: string[] = []
  for (const suite of source.suites) {
    context.say(`asking ${source.uri} for the nats-server of ${suite}`)
    const folder = join(workshop, suite)
    const why = await apt.unpackFrom({ ...source, suite, folder })
    const outcome = why === undefined ? await checkBinary(join(folder, 'usr', 'sbin', 'nats-server'), context) : { why }
    context.signal?.throwIfAborted()
    if ('path' in outcome) return outcome
    reasons.push(`${suite}: ${outcome.why}`)
    if (UNREACHABLE.test(outcome.why)) break
  }
  return { why: reasons.join('; ') }
}

interface Source {
  readonly uri: string
  readonly component: string
  readonly suites: readonly string[]
}

interface SuiteSource extends Source {
  readonly suite: string
  readonly folder: string
}

class PrivateApt {
  readonly #workshop: string
  readonly #context: FindContext

  constructor(workshop: string, context: FindContext) {
    this.#workshop = workshop
    this.#context = context
  }

  /** The machine's own mirror, which its network can reach for sure. */
  async findSource(): Promise<Source | undefined> {
    const format = '$(REPO_URI) $(ORIGIN)'
    const targets = await this.#run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])
    for (const line of targets.output.split('\n')) {
      const [uri = '', origin = ''] = line.split(' ')
      if (uri.includes('security')) continue
      const archive = ARCHIVES.find(({ name }) => origin.toLowerCase() === name || new RegExp(`/${name}/?$`).test(uri))
      if (archive !== undefined) return { uri, component: archive.component, suites: archive.suites }
    }
    return undefined
  }

  /** Unpacks the suite's package into `folder`; returns why not. */
  async unpackFrom({ uri, component, suite, folder }: SuiteSource): Promise<string | undefined> {
    await mkdir(join(folder, 'lists', 'partial'), { recursive: true })
    await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true })
    await writeFile(join(folder, 'status'), '')
    await writeFile(join(folder, 'sources.list'), `deb ${uri} ${suite} ${component}\n`)
    const options = privateOptions(folder)
    // Its exit code says little: hooks of the machine fail without root, and an unreachable mirror is no failure to apt.
    const updated = await this.#run('apt-get', [...options, 'update'], folder)
    if (!(await readdir(join(folder, 'lists'))).some((name) => name.includes('_Packages'))) return complaintOf(updated)
    const downloaded = await this.#run('apt-get', [...options, 'download', 'nats-server'], folder)
    const packageName = (await readdir(folder)).find((name) => name.endsWith('.deb'))
    if (packageName === undefined) return complaintOf(downloaded)
    const unpacked = await this.#run('dpkg', ['-x', join(folder, packageName), folder])
    return unpacked.succeeded ? undefined : unpacked.why
  }

  async #run(command: string, parameters: string[], folder = this.#workshop): Promise<CommandResult> {
    const { environment, limits, signal } = this.#context
    return await runCommand(command, parameters, {
      environment: { ...environment, LC_ALL: 'C' },
      timeoutMs: limits.aptMs,
      workingDirectory: folder,
      signal,
    })
  }
}

function privateOptions(folder: string): string[] {
  const settings = {
    'Dir::State': folder,
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    // As root, apt would download as a user who may not enter this folder.
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    // Megabytes of application metadata on machines with a desktop.
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Acquire::http::Timeout': '5',
    'Acquire::https::Timeout': '5',
    'Acquire::Retries': '0',
  }
  return ['-q', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])]
}

/** The first error or warning apt printed. */
function complaintOf({ output, why }: CommandResult): string {
  const complaint = output.split('\n').find((line) => /^[EW]: /.test(line))
  return complaint?.slice(3) ?? (why || 'the mirror has no package list')
}
