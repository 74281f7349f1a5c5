/**
 * Node's test runner waits for a file as long as its process lives, and as long as any process has its output open. Such a file would hold the whole run
 * without being named, so it is ended here.
 */
import { execFileSync } from 'node:child_process'

/** Three times what the slowest file takes beside other work. */
const FILE_LIMIT_S = 10 * 60
const CHECK_EVERY_MS = 5_000

interface Process {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly command: string
}

/** Without its flags: node gives each file those of the runner, a page long. */
const commandOf = (line: string) =>
  line
    .trim()
    .split(/\s+/)
    .slice(3)
    .filter((argument) => !argument.startsWith('--'))
    .join(' ')

function processes(): Process[] {
  const text = execFileSync('ps', ['-eo', 'pid=,ppid=,pgid=,args='], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })
  return text.split('\n').flatMap((line) => {
    const [pid = 0, parent = 0, group = 0] = line.trim().split(/\s+/, 3).map(Number)
    return pid > 0 ? [{ pid, parent, group, command: commandOf(line) }] : []
  })
}

/** A process and all that it has started and that still has it as ancestor, itself first. */
function treeOf(root: Process, all: readonly Process[]): Process[] {
  return [root, ...all.filter(({ parent }) => parent === root.pid).flatMap((child) => treeOf(child, all))]
}

function end({ pid }: Process): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/**
 * Ends files of a test runner that run for more than 10 minutes, which fails them, and processes that ended files have left behind in its process group.
 * @returns stops watching
 */
export function endStuckTests(runner: number, say: (line: string) => void): () => void {
  /** When each was seen first. What `ps` says of the age of one that has just begun may be wrong by years where the clock of a virtual machine was set. */
  let seen = new Map<number, number>()
  const check = () => {
    const all = processes()
    const now = performance.now()
    seen = new Map(all.map(({ pid }) => [pid, seen.get(pid) ?? now]))
    const isOld = ({ pid }: Process) => now - (seen.get(pid) ?? now) > FILE_LIMIT_S * 1_000
    for (const file of all.filter((one) => one.parent === runner && isOld(one))) {
      const tree = treeOf(file, all)
      say(`ended after ${FILE_LIMIT_S / 60} minutes, with what it had started:\n${tree.map(({ command }) => `  ${command}`).join('\n')}`)
      for (const one of tree) end(one)
    }
    for (const left of all.filter((one) => one.group === runner && one.parent === 1 && isOld(one))) {
      say(`ended what a test has left behind: ${left.command}`)
      end(left)
    }
  }
  const timer = setInterval(check, CHECK_EVERY_MS)
  return () => clearInterval(timer)
}
