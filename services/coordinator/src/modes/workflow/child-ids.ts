import { nodeTaskId } from '@carillon/contracts'
import { derivedId } from '@carillon/runtime'
import type { RunHead } from '@carillon/store'
import { keptChild } from './rules/children.ts'
import { generationOf } from './rules/generations.ts'

/** The child run of a node: its id follows from run, node and generation. A retry of what failed goes on with the child of an earlier generation. */
export const childIdOf = (run: Pick<RunHead, 'id' | 'generations'>, place: number): string =>
  derivedId('n', nodeTaskId(run.id, place, run.generations?.[keptChild(place)] ?? generationOf(run, place)))
