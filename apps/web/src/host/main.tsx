import { render } from "preact";
render(<p>Host</p>, document.getElementById("app") as HTMLElement);
