import { getRouteApi } from '@tanstack/react-router'

/** The route by its path: its file loads this page, so the page cannot import it. */
export const runsPlace = getRouteApi('/n/$namespace/runs')
