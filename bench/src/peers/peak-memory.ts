import { readFileSync } from 'node:fs'

const EVERY_MS = 500

/**
 * Watches the memory of this process and all that it started, directly or not.
 * @returns a function that ends it and answers the highest sum of a moment in MiB; what several processes share counts once
 */
export function watchPeakMemory(): () => number {
  let peakKib = 0
  const look = () => {
    peakKib = Math.max(peakKib, treeKib(process.pid))
  }
  const timer = setInterval(look, EVERY_MS)
  return () => {
    clearInterval(timer)
    look()
    return Math.round(peakKib / 1_024)
  }
}

function treeKib(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
    const own = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    return children.reduce((sum, child) => sum + treeKib(Number(child)), own)
  } catch (error) {
    // It has ended since its parent named it.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0
    throw error
  }
}
