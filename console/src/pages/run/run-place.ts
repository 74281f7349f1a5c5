import { getRouteApi } from '@tanstack/react-router'

/** The route by its path: its file loads this page, so the page cannot import it. */
export const runPlace = getRouteApi('/n/$namespace/runs/$runId')
export const RUN_PATH = '/n/$namespace/runs/$runId'
