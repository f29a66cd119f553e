// Somebody who administers the pool with a mouse.
import assert from 'node:assert/strict';

export const ROOT = { username: 'root', password: 'a password for the owner' };

export class Operator {
  constructor(tab, base) {
    Object.assign(this, { tab, base });
  }

  /** Follows the set-up link, and is the owner then. */
  async setUp(link) {
    await this.tab.goto(link);
    await this.tab.getByLabel('User name').fill(ROOT.username);
    await this.tab.getByLabel('Password', { exact: true }).fill(ROOT.password);
    await this.tab.getByLabel('The password again').fill(ROOT.password);
    await this.press('Create the owner');
  }

  async signIn(to = '/console') {
    await this.tab.goto(`${this.base}/console/sign-in?to=${to}`);
    await this.tab.locator('input[name=username]').fill(ROOT.username);
    await this.tab.locator('input[name=password]').fill(ROOT.password);
    await this.tab.locator('#sign-in').click();
  }

  /** Presses a button, and waits for the page it leads to. */
  async press(name) {
    await Promise.all([this.tab.waitForNavigation(), this.tab.getByRole('button', { name, exact: true }).first().click()]);
  }

  /** Creates an application and returns its App ID. */
  async create({ name, identifier, callback }) {
    await this.tab.goto(`${this.base}/console/applications`);
    await this.tab.getByRole('link', { name: 'Create application' }).first().click();
    await this.tab.getByLabel('Application name').fill(name);
    await this.tab.getByLabel('Authentication address').fill(identifier);
    await this.tab.locator('#identifier-note.note-good').waitFor();
    await this.tab.getByLabel('Callback link').fill(callback);
    await this.press('Create application');
    this.application = new URL(this.tab.url()).pathname;
    return this.tab.locator('#app-id').textContent();
  }

  /** Opens a page of the application that was created. */
  open(page = '') {
    return this.tab.goto(`${this.base}${this.application}${page}`);
  }

  /** Has exactly these boxes of a field ticked. */
  async tick(key, values) {
    const boxes = await this.tab.locator(`#f-${key} input`).all();
    for (const box of boxes) {
      const name = await box.getAttribute('name');
      const value = name === key ? await box.getAttribute('value') : name.slice(key.length + 1).replaceAll('+', ' ');
      if (values.includes(value)) await box.check();
      else if (name !== key) await box.uncheck();
    }
  }

  /** Saves a card, through the page that shows the difference. */
  async save(card) {
    await Promise.all([this.tab.waitForNavigation(), this.tab.locator(`#save-${card}`).click()]);
    if (new URL(this.tab.url()).searchParams.get('done') === 'nothing') return '';
    const difference = await this.tab.locator('#diff').textContent();
    await this.tab.getByLabel('Reason').fill(`set ${card}`);
    await this.press('Save the change');
    assert.equal(new URL(this.tab.url()).searchParams.get('done'), 'saved');
    return difference;
  }

  /** What the endpoint card says, as it is copied. */
  async copied(id) {
    return (await this.tab.locator(`#${id}`).textContent()).trim();
  }
}
