import { z } from 'zod'
import { PagerDutyError } from '../pagerduty-error.ts'
import { noteShape } from '../shapes.ts'
import type { Route } from './route.ts'

const noteSchema = z.object({ note: z.object({ content: z.string().min(1) }) })

export const createNote: Route = {
  method: 'POST',
  path: /^\/incidents\/(\w+)\/notes$/,
  answer: ({ incidents, id, body, from }) => {
    const user = from()
    const read = noteSchema.safeParse(body)
    if (!read.success) throw new PagerDutyError(400, 2001, 'Invalid Input Provided', ['Content is missing'])
    return { note: noteShape(incidents.addNote(id, user.id, read.data.note.content)) }
  },
}

export const listNotes: Route = {
  method: 'GET',
  path: /^\/incidents\/(\w+)\/notes$/,
  answer: ({ incidents, id }) => {
    const entries = incidents.logEntriesOf(incidents.find(id).id)
    return { notes: entries.filter((entry) => entry.note !== undefined).map(noteShape) }
  },
}
