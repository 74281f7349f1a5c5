import type { RunMode } from '@carillon/contracts'

/** A fan-out run has a record for each of its tasks. The only task of another run is part of the run's record. */
export const isFanOut = ({ mode }: { readonly mode: RunMode }): boolean => mode !== 'single'
