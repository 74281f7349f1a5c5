import { readFile, rm } from 'node:fs/promises'
import { readPid } from './data-folder.ts'
import { natsServerFiles } from './nats-server-config.ts'
import { runCommand } from './run-command.ts'
import { wait } from './time-limit.ts'

const POLL_MS = 20
const TERMINATE_POLLS = 250
const KILL_POLLS = 100
const PS_TIMEOUT_MS = 5_000

/**
 * Stops the nats-server that a killed `up` left behind in this data folder. The pid may belong to another process by now:
 * only a process that was started with this folder's config file is stopped.
 */
export async function stopLeftover(dataDir: string, say: (line: string) => void): Promise<void> {
  const files = natsServerFiles(dataDir)
  const pid = readPid(files.pid)
  if (pid !== undefined && (await runsWith(pid, files.config))) {
    say(`stopping nats-server ${pid}, left over from an earlier run`)
    send(pid, 'SIGTERM')
    if (!(await isGone(pid, files.config, TERMINATE_POLLS))) {
      send(pid, 'SIGKILL')
      await isGone(pid, files.config, KILL_POLLS)
    }
  }
  await rm(files.pid, { force: true })
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function isGone(pid: number, configPath: string, polls: number): Promise<boolean> {
  for (let poll = 0; poll < polls; poll += 1) {
    if (!(await runsWith(pid, configPath))) return true
    await wait(POLL_MS)
  }
  return false
}

/** False also for a zombie, whose command line is empty: it may have no parent that collects it. */
async function runsWith(pid: number, configPath: string): Promise<boolean> {
  return (await commandLineOf(pid)).includes(configPath)
}

async function commandLineOf(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (process.platform === 'linux' && (code === 'ENOENT' || code === 'ESRCH')) return ''
    const listed = await runCommand('ps', ['-ww', '-o', 'command=', '-p', String(pid)], {
      environment: process.env,
      timeoutMs: PS_TIMEOUT_MS,
    })
    return listed.succeeded ? listed.output : ''
  }
}
