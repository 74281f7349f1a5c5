import { execFileSync, spawnSync } from 'node:child_process'
import { rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import type { Cleanup } from './cleanup.ts'
import { NotAvailable } from './not-available.ts'

/** A file system of its own, of a size that a test chooses. */
export interface SmallDisk {
  readonly folder: string
  /** Changes its size. */
  resize(mib: number): void
  /** Leaves so much free; `undefined` removes what `fill` has written. */
  fill(freeMib: number | undefined): void
}

const MIB = 1024 * 1024

/** Why there can be none here; undefined: there can. */
export function whyNoSmallDisk(): string | undefined {
  if (process.platform !== 'linux') return 'small disks are made with tmpfs, which is of Linux'
  return process.getuid?.() === 0 ? undefined : 'mounting a small disk needs root'
}

/** @throws NotAvailable */
export function mountSmallDisk(cleanup: Cleanup, mib: number): SmallDisk {
  const reason = whyNoSmallDisk()
  if (reason !== undefined) throw new NotAvailable(reason)
  const folder = cleanup.folder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'carillon-test', folder])
  cleanup.add('the small disk', async () => void execFileSync('umount', ['--lazy', folder]))
  const ballast = join(folder, 'ballast')
  return {
    folder,
    resize: (to) => void execFileSync('mount', ['-o', `remount,size=${to}m`, folder]),
    fill: (freeMib) => {
      rmSync(ballast, { force: true })
      if (freeMib === undefined) return
      // Another process may have taken some in between: it writes until there is no more.
      if (freeMib === 0) return void spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64K'])
      const { bavail, bsize } = statfsSync(folder)
      execFileSync('fallocate', ['-l', String(bavail * bsize - freeMib * MIB), ballast])
    },
  }
}
