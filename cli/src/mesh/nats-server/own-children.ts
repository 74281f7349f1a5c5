import type { ChildProcess } from 'node:child_process'

const children = new Set<ChildProcess>()

/** Sends the signal to the process group of a child that leads one; nothing when it is gone. */
export function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // Gone in this very moment, or a system without process groups.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    child.kill(signal)
  }
}

/** A detached child outlives us. Whichever way our process exits, short of being killed, the child is asked to stop. */
export function endWithUs(child: ChildProcess): void {
  if (child.pid === undefined) return
  if (children.size === 0) process.on('exit', endAll)
  children.add(child)
  const forget = (): void => {
    children.delete(child)
    if (children.size === 0) process.off('exit', endAll)
  }
  child.once('exit', forget)
}

/** Ends all of them as a crash would. */
export function killChildren(): void {
  for (const child of children) endGroup(child, 'SIGKILL')
}

function endAll(): void {
  for (const child of children) {
    endGroup(child, 'SIGTERM')
    // A suspended one receives nothing before it is continued.
    endGroup(child, 'SIGCONT')
  }
}
