import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFolder } from '@carillon/store'
import { type DebianMirror, mirrorsOfTargets, mirrorsOfUris } from './debian-mirror.ts'
import type { FindContext, Outcome } from './finding.ts'
import { checkBinary, locateCommand } from './installed-binary.ts'
import { type CommandResult, runCommand } from './run-command.ts'

/** A mirror that does not answer for one suite need not be asked, and waited for, about the next. */
const UNREACHABLE = /could not (resolve|connect)|timed out|took longer/i

/** Package lists, state and packages go into `workshop`: nothing here needs root or changes what apt knows. */
export async function takeDebianPackage(workshop: string, context: FindContext): Promise<Outcome> {
  for (const command of ['apt-get', 'dpkg']) {
    if ((await locateCommand(command, context.environment)) === undefined) return { why: `no ${command} on PATH` }
  }
  const apt = new PrivateApt(workshop, context)
  const reasons: string[] = []
  for (const mirror of await apt.findMirrors()) {
    for (const suite of mirror.suites) {
      const outcome = await takeFrom(apt, { mirror, suite, folder: await mkdtemp(join(workshop, 'suite-')) }, context)
      context.signal?.throwIfAborted()
      if ('path' in outcome) return outcome
      reasons.push(`${suite}: ${outcome.why}`)
      if (UNREACHABLE.test(outcome.why)) break
    }
  }
  return { why: reasons.join('; ') || 'apt knows no Debian or Ubuntu mirror' }
}

interface Suite {
  readonly mirror: DebianMirror
  readonly suite: string
  /** Where its package list, its state and the package go. */
  readonly folder: string
}

async function takeFrom(apt: PrivateApt, suite: Suite, context: FindContext): Promise<Outcome> {
  context.say(`asking ${suite.mirror.uri} for the nats-server of ${suite.suite}`)
  const why = await apt.unpackFrom(suite)
  return why === undefined ? await checkBinary(join(suite.folder, 'usr', 'sbin', 'nats-server'), context) : { why }
}

class PrivateApt {
  readonly #workshop: string
  readonly #context: FindContext

  constructor(workshop: string, context: FindContext) {
    this.#workshop = workshop
    this.#context = context
  }

  /** The machine's own mirrors, which its network can reach for sure. */
  async findMirrors(): Promise<DebianMirror[]> {
    const targets = await this.#run('apt-get', ['indextargets', '--format', '$(REPO_URI) $(ORIGIN)', 'Created-By: Packages'])
    const known = mirrorsOfTargets(targets.output)
    if (known.length > 0) return known
    // With lists of our own, no other apt that is at work holds the lock.
    createFolder(join(this.#workshop, 'lists', 'partial'))
    const lists = `Dir::State::lists=${join(this.#workshop, 'lists')}`
    return mirrorsOfUris((await this.#run('apt-get', ['-o', lists, 'update', '--print-uris'])).output)
  }

  /** Unpacks the suite's package into `folder`; returns why not. */
  async unpackFrom({ mirror, suite, folder }: Suite): Promise<string | undefined> {
    createFolder(join(folder, 'lists', 'partial'))
    createFolder(join(folder, 'cache', 'archives', 'partial'))
    await writeFile(join(folder, 'status'), '')
    await writeFile(join(folder, 'sources.list'), `deb ${mirror.uri} ${suite} ${mirror.component}\n`)
    const options = privateOptions(folder)
    // Its exit code is not reliable: hooks of the machine fail without root, and an unreachable mirror is no failure to apt.
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
