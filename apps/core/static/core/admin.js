// What unfold's templates say in attributes and Alpine's build without `eval` cannot read. It comes
// before everything else, so that a page is never shown in the wrong colours first.

const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** The colours that somebody has chosen here: "light", "dark", or "auto", as the system has it. */
function chosenTheme() {
  try {
    return JSON.parse(localStorage.getItem("adminTheme")) || "auto";
  } catch {
    return "auto"; // nothing is kept in this browser
  }
}

function showTheme() {
  const chosen = chosenTheme();
  const isDark = chosen === "dark" || (chosen === "auto" && dark.matches);
  document.documentElement.classList.toggle("dark", isDark);
}

showTheme();
dark.addEventListener("change", showTheme); // the system changes its mind at dusk

document.addEventListener("alpine:init", () => {
  // These are functions of unfold's app.js; an expression does not see them as such.
  Alpine.data("theme", window.theme);
  Alpine.data("searchForm", window.searchForm);
  Alpine.data("page", () => ({
    activeTab: "general", // no page here has tabs
    // Unfold's form sends to the page's own address by this name.
    window: { location: { pathname: location.pathname, search: location.search } },
    menuIsFixed: window.matchMedia("(min-width: 80rem)").matches,
    menuShown: true,
    init() {
      const wide = window.matchMedia("(min-width: 80rem)");
      const settle = () => {
        this.menuIsFixed = wide.matches;
        this.menuShown = wide.matches && localStorage.getItem("menuHidden") !== "1";
      };
      settle();
      wide.addEventListener("change", settle);
      this.showPlace();
    },
    /** Beside the page where there is room; over it, for the time being, where there is none. */
    toggleMenu() {
      this.menuShown = !this.menuShown;
      if (this.menuIsFixed) localStorage.setItem("menuHidden", this.menuShown ? "0" : "1");
      else if (this.menuShown) {
        this.$nextTick(() => document.querySelector("#nav-sidebar .menu-close").focus());
      } else document.querySelector("header .toggle").focus();
    },
    get sidebarDesktopOpen() {
      return this.menuIsFixed && this.menuShown;
    },
    get menuClass() {
      if (this.menuIsFixed) return this.menuShown ? "" : "xl:hidden!";
      return this.menuShown ? "block!" : "";
    },
    openFilters() {
      this.filterOpen = true;
      this.$nextTick(() => document.querySelector(".filters-close").focus());
    },
    closeFilters() {
      this.filterOpen = false;
      document.querySelector("button.filters").focus();
    },
    /** The page that is open is in sight in the menu, wherever it stands in it. */
    showPlace() {
      const here = document.querySelector("#menu-groups [aria-current]");
      if (here) {
        const box = document.getElementById("menu-groups");
        box.scrollTop = Math.max(0, here.offsetTop - box.offsetTop - box.clientHeight / 2);
      }
    },
  }));
});

document.addEventListener("DOMContentLoaded", () => {
  // An icon is a word in a font of signs: nobody is to be read "arrow forward".
  for (const icon of document.querySelectorAll(".material-symbols-outlined")) {
    icon.setAttribute("aria-hidden", "true");
  }
});
