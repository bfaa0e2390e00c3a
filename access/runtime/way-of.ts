import { readlink } from 'node:fs/promises'
import { dirname, isAbsolute, join, parse, resolve, sep } from 'node:path'
import { Fault } from '../domain/errors.ts'

/** As many as Linux follows (path_resolution(7)). */
const mostLinks = 40

export type Way = {
  /** The name as it was given, as each link on the way makes it, and what it leads to in the end. */
  readonly names: readonly string[]
  /** Where the links themselves lie. */
  readonly links: readonly string[]
}

/**
 * The way to a file, link by link, as the system goes it; what is not there counts as no link. Faults with `keys/forbidden`
 * where there are more than 40.
 */
export const wayOf = async (name: string): Promise<Way> => {
  const names = [resolve(name)]
  const links: string[] = []
  // Not resolved as a text: behind a link, ".." is the folder above what it leads to.
  const given = isAbsolute(name) ? name : join(process.cwd(), sep) + name
  let at = parse(given).root
  let rest = given.slice(at.length).split(sep)
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    const here = part === '..' ? dirname(at) : join(at, part)
    const target = here === at || part === '..' ? undefined : await readlink(here).catch(() => undefined)
    if (target === undefined) {
      at = here
      continue
    }
    links.push(here)
    if (links.length > mostLinks)
      throw new Fault('keys/forbidden', `${name} leads through more than ${mostLinks} links`, {
        mend: 'name the file itself',
      })
    const { root } = parse(target)
    if (root !== '') at = root
    rest = [...target.slice(root.length).split(sep), ...rest]
    names.push(resolve(at, ...rest))
  }
  names.push(at)
  return { names, links }
}
