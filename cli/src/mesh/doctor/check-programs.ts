import { CALLS, CarillonError, type ProgramView } from '@carillon/contracts'
import { CARILLON } from '../../own-command.ts'
import type { CheckContext } from './context.ts'
import { counted, type Finding, wrong } from './finding.ts'

/** Programs that open runs are bound to and no live instance has: those runs wait, however long. */
export async function checkPrograms({ client }: CheckContext): Promise<Finding[]> {
  try {
    const { items } = await client.call(CALLS.versionsList, {})
    return items.filter(isMissing).map(missing)
  } catch (error) {
    // That no coordinator answers is a finding of its own.
    if (CarillonError.is(error) && error.code === 'NO_SERVICE') return []
    throw error
  }
}

const isMissing = ({ instances, accepting, open }: ProgramView) => open > 0 && instances.length + accepting.length === 0

const missing = ({ program, handler, open, waiting, since }: ProgramView): Finding =>
  wrong(
    `program ${program}`,
    `${counted(open, 'open run')} ${open === 1 ? 'is' : 'are'} bound to it, and no live instance has it or accepts it; ${waiting} waiting${since === undefined ? '' : `, the first since ${since}`}`,
    `Start an instance that has it, or one with accepts: ['${program}']; or move the runs: ${CARILLON} runs move <run> --dry-run. They are among: ${CARILLON} runs list --handler ${handler}`,
  )
