import { type Name, serveScene } from './rules.ts'

const [name, requests] = process.argv.slice(2)
serveScene(name as Name, Number(requests))
