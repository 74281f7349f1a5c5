import { CarillonError, printable } from '@carillon/contracts'

/**
 * Checks what a caller says of the record that is to be changed. Together with a write that names the revision which was read, no two callers that have
 * seen the same revision both pass.
 * @param given undefined: the caller says nothing; 0: there is none
 * @throws CarillonError PRECONDITION_FAILED
 */
export function checkRevision(given: number | undefined, there: { readonly revision: number } | undefined, name: string): void {
  if (given === undefined || given === (there?.revision ?? 0)) return
  const found = there ? `has revision ${there.revision}` : 'is not there'
  const expected = given === 0 ? 'it is not to be there' : `revision ${given} was expected`
  throw new CarillonError('PRECONDITION_FAILED', `${printable(name)} ${found}, ${expected}`, { field: 'ifRevision', value: String(given) })
}
