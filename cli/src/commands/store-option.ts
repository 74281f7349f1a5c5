import { parseText } from '../arguments/scalars.ts'

/** The address of a store, which the store itself checks. @throws CarillonError INVALID_REQUEST when it is empty */
export const parseStore = (text: string): string => parseText('--store', text, 'Use sqlite:<file> or mongodb://…, or leave it out.')
