import { z } from 'zod'
import { createRest } from './rest.ts'

/** PagerDuty states no limit; a longer note would be read by nobody. */
const longestNote = 25_000

const noteShape = z.object({ note: z.object({ id: z.string() }) })
const notesShape = z.object({ notes: z.array(z.object({ content: z.string() })) })

/**
 * Notes on incidents, plain text, in the name of the user whose e-mail is `from`. Both reject with a `PagerDutyFault`.
 * https://developer.pagerduty.com/api-reference: GET and POST /incidents/{id}/notes.
 */
export const createNotes = (baseUrl: string, token: string, from: string) => {
  const { get, post } = createRest(baseUrl, token)
  const pathOf = (incident: string): string => `/incidents/${encodeURIComponent(incident)}/notes`
  return {
    /** Whether a note with this text stands already. */
    has: async (incident: string, text: string): Promise<boolean> => {
      const found = await get(pathOf(incident), notesShape)
      const wanted = bare(cut(text))
      return found?.notes.some(({ content }) => bare(content) === wanted) ?? false
    },
    /** Adds a note. Adding it twice makes two of it. */
    add: async (incident: string, text: string): Promise<void> => {
      await post(pathOf(incident), { note: { content: cut(text) } }, { From: from }, noteShape)
    },
  }
}
export type Notes = ReturnType<typeof createNotes>

/** By whole characters, so that nothing is cut into halves that JSON can't carry. */
const cut = (text: string): string => {
  if (text.length <= longestNote) return text
  return `${text.slice(0, longestNote - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

/** White space may come back changed. */
const bare = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()
